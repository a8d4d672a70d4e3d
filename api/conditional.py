"""What caches may keep: ETag, 304 and Cache-Control for every read, in one place."""

from hashlib import blake2b

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, Message, Receive, Scope, Send

PUBLIC = "public, max-age=30, stale-while-revalidate=300"
PRIVATE = "private, no-cache"
NEVER = "private, no-store"

PUBLIC_READ = "public_read"
"""Set in a handler's `opt`: the answer is the same for all who bring no identity."""


class ConditionalReads:
    """Tags public reads with a digest of their body and answers 304 to those who have it."""

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
                if _may_be_tagged(scope, message):
                    held = message
                    return
                MutableScopeHeaders.from_message(message).setdefault("Cache-Control", NEVER)
            elif message["type"] == "http.response.body" and held is not None:
                start, held = held, None
                message = _tag(scope, start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, send_tagged)


def _may_be_tagged(scope: Scope, start: HTTPResponseStartEvent) -> bool:
    # An address that leads nowhere has no handler.
    if start["status"] != 200 or "route_handler" not in scope:
        return False
    return bool(scope["route_handler"].opt.get(PUBLIC_READ))


def _tag(scope: Scope, start: HTTPResponseStartEvent, message: Message) -> Message:
    body: bytes = message.get("body", b"")  # pyright: ignore[reportAssignmentType]
    tag = f'W/"{blake2b(body, digest_size=12).hexdigest()}"'
    headers = MutableScopeHeaders.from_message(start)
    headers["ETag"] = tag
    known = bool(scope.get("visitor_known"))
    headers["Cache-Control"] = PRIVATE if known else PUBLIC
    headers["Vary"] = "Accept-Encoding"
    asked = next((v for n, v in scope["headers"] if n == b"if-none-match"), b"").decode("latin-1")
    if asked and (asked.strip() == "*" or tag in [part.strip() for part in asked.split(",")]):
        start["status"] = 304
        for name in ("content-length", "content-type"):
            del headers[name]
        return {**message, "body": b""}  # pyright: ignore[reportReturnType]
    return message
