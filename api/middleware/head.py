"""HEAD for every GET handler."""

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

DISCONNECT: Any = {"type": "http.disconnect"}


class HeadMiddleware:
    """Runs HEAD requests as GET and drops the body; a stream ends before its first event."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        if http["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        responded = False

        async def send_head(message: Message) -> None:
            nonlocal responded
            if message["type"] == "http.response.start":
                await send(message)
            elif not responded:
                responded = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_responded() -> Any:
            return DISCONNECT if responded else await receive()

        http["method"] = "GET"
        try:
            await self._app(scope, receive_until_responded, send_head)
        finally:
            http["method"] = "HEAD"
