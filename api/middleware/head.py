"""Methods that every address has: HEAD wherever GET is, and OPTIONS."""

from typing import Any

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.middleware.conditional_requests import NEVER

GONE: Any = {"type": "http.disconnect"}


class HeadMiddleware:
    """Answers HEAD as GET without the body; a stream ends before it begins."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        http: HTTPScope = scope
        told = False

        async def send_head(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start":
                await send(message)
            elif not told:
                told = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        async def receive_until_told() -> Any:
            return GONE if told else await receive()

        http["method"] = "GET"
        try:
            await self._app(http, receive_until_told, send_head)
        finally:
            http["method"] = "HEAD"


class OptionsMiddleware:
    """Completes the answer to OPTIONS. Litestar's own forgets methods that other handlers of the
    same address take.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            await self._app(scope, receive, send)
            return

        async def send_complete(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 204:
                message["headers"] = [
                    (b"allow", allowed(_methods(scope)).encode()),
                    (b"cache-control", NEVER),
                ]
            await send(message)

        await self._app(scope, receive, send_complete)


def _methods(scope: Scope) -> set[str]:
    here = scope["path_template"]
    routes = [route for route in scope["litestar_app"].routes if route.path_format == here]
    return {str(method) for route in routes for method in route.methods}


def allowed(methods: set[str]) -> str:
    """The methods as `Allow` lists them."""
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
