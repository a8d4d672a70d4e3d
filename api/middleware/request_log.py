"""One id per request: in every log line, error answer, job and call that follows from it."""

import re
import time
from secrets import token_hex
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import INTERNAL, answer, problem
from api.security_headers import NOTHING_RUNS, SELF_ONLY, with_policy
from domain.infra.logging import request_logger

log = structlog.get_logger()

CLIENT_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class RequestLogMiddleware:
    """Mints the id, answers with it and writes one line per request.

    The line holds the route's template, never the address asked for: that may carry tokens.
    """

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._data_headers = with_policy(NOTHING_RUNS, https_only=https_only)
        self._docs_headers = with_policy(SELF_ONLY, https_only=https_only)
        self._tell = request_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0
        request_id = token_hex(16)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *(
                        self._docs_headers
                        if scope["path"].startswith("/docs")
                        else self._data_headers
                    ),
                ]
            await send(message)

        line: dict[str, Any] = {"request_id": request_id, **_client_request_id(scope)}
        tokens = structlog.contextvars.bind_contextvars(**line)
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            # Routes answer for their own errors; this one is from between them and here.
            log.error("unexpected_error", exc_info=error)
            if not status:
                await answer(problem(500, *INTERNAL), scope, receive, send_with_id)
        finally:
            line["method"] = scope["method"]
            line["route"] = scope.get("path_template", "")
            line["status"] = status
            line["ms"] = round((time.perf_counter() - began) * 1_000, 1)
            self._tell(line)
            structlog.contextvars.reset_contextvars(**tokens)


def _client_request_id(scope: Scope) -> dict[str, str]:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return {"client_request_id": given} if CLIENT_ID.match(given) else {}
    return {}
