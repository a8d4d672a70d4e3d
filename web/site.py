"""Pages and API on one origin, and the headers that keep the pages safe and quick to load."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from settings import settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
# Every framework types its own messages; all of them are called like this.
ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]

API_PATHS = ("/api", "/health", "/docs", "/openapi.json")

# Reflex runs what the server sends as script (toasts, live numbers), hence 'unsafe-eval'; no
# other host is ever asked for anything.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
if settings.production:
    HEADERS.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))

FOREVER = b"public, max-age=31536000, immutable"
"""For files whose name changes with their content."""
ASK_AGAIN = b"no-cache"
"""For everything else: kept, but compared by its ETag at each use."""


class OneOrigin:
    """Sends `/api` and its like to the API, where there is one, and everything else to the pages.

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


class SafePages:
    """Adds the security and cache headers, and refuses websockets of pages from elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and not from_here(scope):
            await receive()
            # Closing before accepting is how a server answers 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        keep = FOREVER if scope["path"].startswith("/assets/") else ASK_AGAIN

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                names = {name.lower() for name, _ in given}
                found = message["status"] in (200, 304)
                extra = [*HEADERS, (b"cache-control", keep if found else ASK_AGAIN)]
                message["headers"] = given + [one for one in extra if one[0] not in names]
            await send(message)

        await self._app(scope, receive, with_headers)


def is_api(path: str) -> bool:
    return any(path == known or path.startswith(known + "/") for known in API_PATHS)


def from_here(scope: Scope) -> bool:
    """Whether the page that opens this websocket was loaded from this very host.

    Browsers always say where a page is from; what says nothing is no browser and carries no
    visitor's cookie that it does not own.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1")
    return not origin or origin.partition("://")[2].lower() == host.lower()
