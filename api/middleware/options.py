"""OPTIONS for every path."""

from typing import Any

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.http_semantics import allow_header
from api.middleware.conditional_requests import NO_STORE


class OptionsMiddleware:
    """Completes the `Allow` header of OPTIONS, in which Litestar leaves out the methods of other
    routes with the same path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        if http["method"] != "OPTIONS":
            await self._app(scope, receive, send)
            return

        async def send_complete(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 204:
                message["headers"] = [
                    (b"allow", allow_header(_methods(http)).encode()),
                    (b"cache-control", NO_STORE),
                ]
            await send(message)

        await self._app(scope, receive, send_complete)


def _methods(scope: Any) -> set[str]:
    template = scope["path_template"]
    routes = [route for route in scope["litestar_app"].routes if route.path_format == template]
    return {str(method) for route in routes for method in route.methods}
