"""HTTP caching: `ETag`, 304 and `Cache-Control` of all reads."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from api.auth import identity_of
from api.http_semantics import list_members

PUBLIC = b"public, max-age=30, stale-while-revalidate=300"
PRIVATE = b"private, no-cache"
NO_STORE = b"private, no-store"

PUBLIC_READ = "public_read"
"""Key in a handler's `opt`: the response is the same for all callers without credentials. The
value, `WEAK` or `STRONG`, is the prefix of its ETag."""
WEAK = b"W/"
"""For lists."""
STRONG = b""
"""For single items."""


class ConditionalRequestMiddleware:
    """Adds an ETag to public reads, and responds with 304 if it matches `If-None-Match`.

    A response that already has `Cache-Control` is not changed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        if http["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        held: HTTPResponseStartEvent | None = None

        async def send_tagged(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                if not _has_cache_control(message["headers"]):
                    if _etag_kind(http, message) is not None:
                        held = message
                        return
                    message["headers"] = [*message["headers"], (b"cache-control", NO_STORE)]
            elif message["type"] == "http.response.body" and held is not None:
                start, held = held, None
                message = _add_etag(http, start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_tagged)


def _has_cache_control(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return b"cache-control" in [name.lower() for name, _ in headers]


def _etag_kind(scope: HTTPScope, start: HTTPResponseStartEvent) -> bytes | None:
    # A path without a handler has no `route_handler` in its scope.
    if start["status"] != 200 or "route_handler" not in scope:
        return None
    return scope["route_handler"].opt.get(PUBLIC_READ)


def _add_etag(scope: Any, start: HTTPResponseStartEvent, message: Message) -> Message:
    body: bytes = message.get("body", b"")  # pyright: ignore[reportAssignmentType]
    opaque = f'"{blake2b(body, digest_size=16).hexdigest()}"'.encode()
    known = identity_of(scope).known
    headers = [
        *start["headers"],
        (b"etag", (_etag_kind(scope, start) or b"") + opaque),
        (b"cache-control", PRIVATE if known else PUBLIC),
        (b"vary", b"Accept-Encoding"),
    ]
    if _matches(scope, opaque):
        start["status"] = 304
        headers = [
            (name, value)
            for name, value in headers
            if name.lower() not in {b"content-length", b"content-type"}
        ]
        message = {**message, "body": b""}  # pyright: ignore[reportAssignmentType]
    start["headers"] = headers
    return message


def _matches(scope: HTTPScope, opaque: bytes) -> bool:
    """Whether `If-None-Match` contains the tag, by weak comparison (RFC 9110, section 13.1.2)."""
    tags = {
        tag.removeprefix("W/").encode("latin-1")
        for tag in list_members(scope["headers"], b"if-none-match")
    }
    return opaque in tags or b"*" in tags
