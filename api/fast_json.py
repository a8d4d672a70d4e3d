"""Answers of the hot reads: JSON, a few headers, nothing else."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from api.decimals import written

T = TypeVar("T")
encode = msgspec.json.Encoder(enc_hook=written).encode


class FastJSON(Response[T]):
    """Litestar's own answer merges cookies, encoders and defaults of six layers; a feed page
    spends as much on that as on being written.
    """

    def __init__(self, content: T, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        # Not the base's, which sorts out cookies and encoders that are never given here.
        self.content = content
        self._headers = headers

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIResponse:
        return _Sent(encode(self.content), self._headers)


class _Sent(ASGIResponse):
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
