"""Minimal JSON responses for the hot reads."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from api.decimals import encode_decimal

T = TypeVar("T")
encode = msgspec.json.Encoder(enc_hook=encode_decimal).encode


class FastJSON(Response[T]):
    """A JSON response without cookies, encoders and defaults.

    Litestar's `Response` merges these from six layers, which takes a feed page as long as its
    serialization.
    """

    def __init__(self, content: T, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        # The base's `__init__` is skipped: it processes cookies and encoders.
        self.content = content
        self._headers = headers

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIResponse:
        return _JSONResponse(encode(self.content), self._headers)


class _JSONResponse(ASGIResponse):
    def __init__(self, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.body = body
        self._start = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(body)),
            *headers,
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._start})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
