"""Sets the cookie that identifies a visitor."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID, uuid4

from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import UNSET

from api.auth import Identity, identity_of
from api.http_semantics import SAFE_METHODS
from api.visitor_cookie import VisitorCookies
from domain.accounts.revocations import Revocations


class VisitorCookieMiddleware:
    """Sets the cookie on pages and on responses to unsafe methods.

    It is never set on reads of the API, which a shared cache may store, nor for API keys.
    """

    def __init__(self, app: ASGIApp, *, cookies: VisitorCookies, revocations: Revocations) -> None:
        self._app = app
        self._cookies = cookies
        self._revocations = revocations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        http: Any = scope
        identity = identity_of(scope)
        reads = http["method"] in SAFE_METHODS
        up_to_date = identity.known and not identity.renew
        if identity.caller.kind == "key" or (
            reads and (http["path"].startswith("/api/") or up_to_date)
        ):
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and (
                not reads or _is_page(message["headers"])
            ):
                visitor_id = self._cookie_visitor(identity)
                if visitor_id:
                    value = self._cookies.set_cookie(http, visitor_id)
                    message["headers"] = [*message["headers"], (b"set-cookie", value)]
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _cookie_visitor(self, identity: Identity) -> UUID | None:
        """The visitor for the response's cookie; None to set none."""
        if identity.replacement is not UNSET:
            return identity.replacement
        visitor_id = identity.caller.id
        if identity.known and visitor_id:
            # A visitor who has signed out meanwhile got a new cookie; it must not be overwritten.
            renew = identity.renew and not self._revocations.is_revoked(visitor_id)
            return visitor_id if renew else None
        return visitor_id or uuid4()


def _is_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        if name.lower() == b"content-type":
            return value.startswith(b"text/html")
    return False
