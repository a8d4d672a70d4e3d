"""One id per request, in its log lines, error responses, jobs and calls; and its log line."""

import re
import time
from secrets import token_hex
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import INTERNAL, problem, send_response
from api.security_headers import DATA_POLICY, SELF_ONLY, with_policy
from domain.infra.logging import request_logger

log = structlog.get_logger()

CLIENT_ID = re.compile(r"^[A-Za-z0-9_-]{1,64}$")


class RequestLogMiddleware:
    """Creates the id, sends it as `X-Request-Id` and writes one log line per request.

    The line holds the route's template, never the path itself, which may carry tokens. The
    security headers are added here too, since every response passes through.
    """

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._data_headers = with_policy(DATA_POLICY, https_only=https_only)
        self._docs_headers = with_policy(SELF_ONLY, https_only=https_only)
        self._log = request_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        started_s = time.perf_counter()
        status = 0
        request_id = token_hex(16)

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                is_docs = http["path"].startswith("/docs")
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *(self._docs_headers if is_docs else self._data_headers),
                ]
            await send(message)

        line: dict[str, Any] = {"request_id": request_id, **_client_request_id(scope)}
        tokens = structlog.contextvars.bind_contextvars(**line)
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            # Litestar handles the errors of handlers; this one comes from a middleware.
            log.error("unexpected_error", exc_info=error)
            if not status:
                await send_response(problem(500, *INTERNAL), scope, receive, send_with_id)
        finally:
            line["method"] = http["method"]
            line["route"] = http.get("path_template", "")
            line["status"] = status
            line["ms"] = round((time.perf_counter() - started_s) * 1_000, 1)
            self._log(line)
            structlog.contextvars.reset_contextvars(**tokens)


def _client_request_id(scope: Scope) -> dict[str, str]:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            client_id = value.decode("latin-1")
            return {"client_request_id": client_id} if CLIENT_ID.match(client_id) else {}
    return {}
