"""Refuses ambiguous requests, and normalizes paths."""

from typing import Any
from urllib.parse import unquote_to_bytes

from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.utils import normalize_path

from api.problems import MESSAGES, problem, send_response
from domain.text import is_text


class RequestNormalizer:
    """Refuses a query that is not text, and more than one `Host`.

    The path is normalized as Litestar's router does, without empty segments, so that all layers
    see the path that is routed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        if [name for name, _ in http["headers"]].count(b"host") > 1:
            refusal = problem(400, "bad_request", "Name one host.", headers={"Connection": "close"})
            await send_response(refusal, scope, receive, send)
        elif not _is_text(http["query_string"]):
            await send_response(problem(422, *MESSAGES[422]), scope, receive, send)
        else:
            http["path"] = normalize_path(http["path"])
            await self._app(scope, receive, send)


def _is_text(query: bytes) -> bool:
    if b"%" not in query and query.isascii():
        return True
    try:
        return is_text(unquote_to_bytes(query).decode())
    except UnicodeDecodeError:
        return False
