"""Pages and API on one origin, with the security and cache headers of the pages."""

import logging
import time

from api.origins import is_same_origin_websocket
from api.security_headers import DATA_POLICY, with_policy
from web.server.asgi import ASGIApp, Message, Receive, Scope, Send

API_PATHS = ("/api", "/health", "/docs", "/openapi.json")

SOCKET = "/_event"
"""The path of Reflex's websocket."""

log = logging.getLogger(__name__)

IMMUTABLE = b"public, max-age=31536000, immutable"
"""For files whose name changes with their content."""
REVALIDATE = b"no-cache"
"""For everything else: stored, but revalidated by its ETag at each use."""
PRIVATE = b"private, no-cache"
"""For responses that set a visitor's cookie: no shared cache may store them."""


class OriginRouter:
    """Routes API_PATHS to the API, if it runs in this process, and everything else to the pages.

    The pages' app runs the lifespan of both.
    """

    def __init__(self, *, pages: ASGIApp, api: ASGIApp | None) -> None:
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._api and is_api(scope["path"]):
            await self._api(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


class PageSecurity:
    """Adds the security and cache headers, and refuses requests that no page of ours makes.

    `headers` are for HTML. Other files get a policy under which nothing runs.
    """

    def __init__(
        self, app: ASGIApp, headers: list[tuple[bytes, bytes]], *, https_only: bool
    ) -> None:
        self._app = app
        self._headers = headers
        self._data_headers = with_policy(DATA_POLICY, https_only=https_only)
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not is_same_origin_websocket(
            scope, https_only=self._https_only
        ):
            await receive()
            # Closing before accepting makes the server answer 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        caching = IMMUTABLE if scope["path"].startswith("/assets/") else REVALIDATE
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message.get("headers", []))
                names = {name.lower() for name, _ in headers}
                cache_control = caching if message["status"] in (200, 304) else REVALIDATE
                cache_control = PRIVATE if b"set-cookie" in names else cache_control
                policy = self._headers if _is_html(headers) else self._data_headers
                # The page's scripts read it: the clock of a visitor may be wrong by days.
                timing = (b"server-timing", f"now;dur={int(time.time() * 1_000)}".encode())
                extra = [*policy, (b"cache-control", cache_control), timing]
                message["headers"] = headers + [
                    header for header in extra if header[0] not in names
                ]
            await send(message)

        if scope["method"] not in ("GET", "HEAD"):
            await _respond(with_headers, 405, "Pages can only be read.", [(b"allow", b"GET, HEAD")])
        elif scope["path"].startswith(SOCKET):
            # Reflex would read a request's whole body before it refuses it.
            await _respond(
                with_headers, 426, "This is for websockets.", [(b"upgrade", b"websocket")]
            )
        else:
            try:
                await self._app(scope, receive, with_headers)
            except Exception:
                log.exception("A page could not be answered")
                if not started:
                    await _respond(with_headers, 500, "Something broke on our side.", [])


async def _respond(send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]]) -> None:
    content_type = (b"content-type", b"text/plain; charset=utf-8")
    start: Message = {
        "type": "http.response.start",
        "status": status,
        "headers": [content_type, *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": text.encode()})


def is_api(path: str) -> bool:
    # The API ignores empty segments, and answers in its own format.
    path = "/" + path.lstrip("/")
    return any(path == prefix or path.startswith(prefix + "/") for prefix in API_PATHS)


def _is_html(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in headers
    )
