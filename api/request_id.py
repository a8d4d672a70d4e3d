"""One id per request: in every log line, error answer, job and call that follows from it."""

import re
import time
from uuid import uuid4

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

CLIENT_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")

log = structlog.get_logger("request")


class RequestLog:
    """Mints the id, answers with it and writes one line per request.

    The line holds the route's template, never the address asked for: that may carry tokens.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0
        request_id = uuid4().hex

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        with structlog.contextvars.bound_contextvars(
            request_id=request_id, **_client_request_id(scope)
        ):
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                log.info(
                    "request",
                    method=scope["method"],
                    route=scope.get("path_template", ""),
                    status=status,
                    ms=round((time.perf_counter() - began) * 1_000, 1),
                )


def _client_request_id(scope: Scope) -> dict[str, str]:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return {"client_request_id": given} if CLIENT_ID.match(given) else {}
    return {}
