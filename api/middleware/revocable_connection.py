"""Ends streams and websockets when the visitor or API key that opened them is revoked."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.auth import identity_of
from api.http_semantics import SAFE_METHODS
from domain.accounts.revocations import Revocations

REVOKED = 4401
"""The close code of websockets."""

HTTP_DISCONNECT: Any = {"type": "http.disconnect"}
WEBSOCKET_DISCONNECT: Any = {"type": "websocket.disconnect", "code": REVOKED, "reason": None}
END_OF_STREAM: Any = {"type": "http.response.body", "body": b"", "more_body": False}
CLOSE: Any = {"type": "websocket.close", "code": REVOKED}


class RevocableConnectionMiddleware:
    """Closes a stream or websocket when its caller is revoked.

    It applies to the reads and websockets of visitors, and to everything of API keys. It costs
    nothing unless the handler calls `receive` while it responds.
    """

    def __init__(self, app: ASGIApp, *, revocations: Revocations) -> None:
        self._app = app
        self._revocations = revocations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        identity = identity_of(scope)
        caller_id = identity.caller.id
        changes = scope["type"] == ScopeType.HTTP and scope["method"] not in SAFE_METHODS
        if caller_id is None or (changes and identity.caller.kind != "key"):
            await self._app(scope, receive, send)
        else:
            exchange = _Exchange(self._revocations, caller_id)
            await exchange.run(self._app, scope, receive, send)


class _Exchange:
    """One request or websocket. On revocation, `receive` returns a disconnect to the app."""

    __slots__ = ("_caller_id", "_ended", "_receive", "_revocations", "_revoked", "_stream")

    def __init__(self, revocations: Revocations, caller_id: UUID) -> None:
        self._revocations = revocations
        self._caller_id = caller_id
        self._revoked: asyncio.Future[None] | None = None
        self._ended = False

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._stream = receive, scope["type"] == ScopeType.HTTP
        try:
            await app(scope, self._next, send)
        finally:
            if self._revoked:
                self._revocations.stop_listening(self._caller_id, self._revoked)
        if self._ended:
            # The app may have completed its response already.
            with suppress(Exception):
                await send(END_OF_STREAM if self._stream else CLOSE)

    async def _next(self) -> Any:
        if self._revoked is None:
            self._revoked = self._revocations.on_revoked(self._caller_id)
        message = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait({message, self._revoked}, return_when=asyncio.FIRST_COMPLETED)
            if not self._revoked.done():
                return message.result()
        finally:
            message.cancel()
        self._ended = True
        return HTTP_DISCONNECT if self._stream else WEBSOCKET_DISCONNECT
