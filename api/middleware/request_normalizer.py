"""Requests that two readers could understand differently go no further."""

from urllib.parse import unquote_to_bytes

from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.utils import normalize_path

from api.problems import WORDS, answer, problem
from domain.text import is_text


class RequestNormalizer:
    """Refuses a query that is no text, and more than one `Host`.

    A path is spelt for all as the router takes it, without empty parts: those who look at it
    before the router does, for scopes and limits, decide about the same handler.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif [name for name, _ in scope["headers"]].count(b"host") > 1:
            refusal = problem(400, "bad_request", "Name one host.", headers={"Connection": "close"})
            await answer(refusal, scope, receive, send)
        elif not _is_text(scope["query_string"]):
            await answer(problem(422, *WORDS[422]), scope, receive, send)
        else:
            scope["path"] = normalize_path(scope["path"])
            await self._app(scope, receive, send)


def _is_text(query: bytes) -> bool:
    if b"%" not in query and query.isascii():
        return True
    try:
        return is_text(unquote_to_bytes(query).decode())
    except UnicodeDecodeError:
        return False
