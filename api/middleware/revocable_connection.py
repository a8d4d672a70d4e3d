"""Streams and websockets end when the identity or key that opened them is revoked."""

import asyncio
from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar.types import ASGIApp, Receive, Scope, Send

from domain.accounts.revocations import Revocations

SIGNED_OUT = 4401
"""The code a websocket is closed with."""

GONE: Any = {"type": "http.disconnect"}
HUNG_UP: Any = {"type": "websocket.disconnect", "code": SIGNED_OUT, "reason": None}
END_OF_STREAM: Any = {"type": "http.response.body", "body": b"", "more_body": False}
CLOSE: Any = {"type": "websocket.close", "code": SIGNED_OUT}


class RevocableConnection:
    """One exchange of a caller, which ends with the caller.

    An app that waits for its client to go is told that the client went. Apps that answer at once
    never ask, and cost nothing.
    """

    __slots__ = ("_caller_id", "_ended", "_receive", "_revocations", "_revoked", "_stream")

    def __init__(self, revocations: Revocations, caller_id: UUID) -> None:
        self._revocations = revocations
        self._caller_id = caller_id
        self._revoked: asyncio.Future[None] | None = None
        self._ended = False

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._stream = receive, scope["type"] == "http"
        try:
            await app(scope, self._next, send)
        finally:
            if self._revoked:
                self._revocations.stop_listening(self._caller_id, self._revoked)
        if self._ended:
            # The app may have said its last word already.
            with suppress(Exception):
                await send(END_OF_STREAM if self._stream else CLOSE)

    async def _next(self) -> Any:
        if self._revoked is None:
            self._revoked = self._revocations.on_revoked(self._caller_id)
        heard = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait({heard, self._revoked}, return_when=asyncio.FIRST_COMPLETED)
            if not self._revoked.done():
                return heard.result()
        finally:
            heard.cancel()
        self._ended = True
        return GONE if self._stream else HUNG_UP
