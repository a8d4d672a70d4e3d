"""What caches may keep: ETag, 304 and Cache-Control for every read, in one place."""

from collections.abc import Iterable

import xxhash
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

PUBLIC = b"public, max-age=30, stale-while-revalidate=300"
PRIVATE = b"private, no-cache"
NEVER = b"private, no-store"

PUBLIC_READ = "public_read"
"""Set in a handler's `opt`: the answer is the same for all who bring no identity. `LIST` gets a
weak ETag, `ITEM` a strong one."""
LIST = b"W/"
ITEM = b""


class ConditionalRequestMiddleware:
    """Tags public reads with a digest of their body and answers 304 to those who have it.

    An answer that says itself how long it keeps is left alone.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        held: HTTPResponseStartEvent | None = None

        async def send_tagged(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                if not _says_how_long(message["headers"]):
                    if _strength(scope, message) is not None:
                        held = message
                        return
                    message["headers"] = [*message["headers"], (b"cache-control", NEVER)]
            elif message["type"] == "http.response.body" and held is not None:
                start, held = held, None
                message = _tag(scope, start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_tagged)


def _says_how_long(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return b"cache-control" in [name.lower() for name, _ in headers]


def _strength(scope: Scope, start: HTTPResponseStartEvent) -> bytes | None:
    # An address that leads nowhere has no handler.
    if start["status"] != 200 or "route_handler" not in scope:
        return None
    return scope["route_handler"].opt.get(PUBLIC_READ)


def _tag(scope: Scope, start: HTTPResponseStartEvent, message: Message) -> Message:
    body: bytes = message.get("body", b"")  # pyright: ignore[reportAssignmentType]
    opaque = f'"{xxhash.xxh3_128_hexdigest(body)}"'.encode()
    headers = [
        *start["headers"],
        (b"etag", (_strength(scope, start) or b"") + opaque),
        (b"cache-control", PRIVATE if scope.get("caller_known") else PUBLIC),
        (b"vary", b"Accept-Encoding"),
    ]
    if _has_it(scope, opaque):
        start["status"] = 304
        headers = [
            (name, value)
            for name, value in headers
            if name.lower() not in {b"content-length", b"content-type"}
        ]
        message = {**message, "body": b""}  # pyright: ignore[reportAssignmentType]
    start["headers"] = headers
    return message


def _has_it(scope: Scope, opaque: bytes) -> bool:
    """Whether `If-None-Match` names the tag; compared weakly, as RFC 9110 asks for reads."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            tags = [tag.strip().removeprefix(b"W/") for tag in value.split(b",")]
            if opaque in tags or b"*" in tags:
                return True
    return False
