"""HEAD, wherever there is a GET."""

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

DISCONNECT: Any = {"type": "http.disconnect"}


class HeadMiddleware:
    """Answers HEAD as GET without the body; a stream ends before its first event."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        if http["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = False

        async def send_head(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                await send(message)
            elif not answered:
                answered = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_answered() -> Any:
            return DISCONNECT if answered else await receive()

        http["method"] = "GET"
        try:
            await self._app(scope, receive_until_answered, send_head)
        finally:
            http["method"] = "HEAD"
