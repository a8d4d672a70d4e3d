"""Anonymous visitors: a random identity in a cookie that only we can write."""

import hmac
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from uuid import UUID, uuid4

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

from api.middleware.revocable_connection import RevocableConnection
from domain.accounts.revocations import Revocations
from domain.signing import VISITOR, derive_keys, key_ids

COOKIE = b"visitor"
COOKIE_UNDER_TLS = b"__Host-visitor"
COOKIE_S = 365 * 24 * 3_600
RENEWED_AFTER_S = 30 * 24 * 3_600
BECOMES = "visitor_becomes"
"""Set in a request's scope by its handler: whom the answer's cookie shall name; None lets the
browser keep the one it has."""
OVER = "visitor_is_over"
"""Whether a request's cookie names somebody who has signed out."""
CLOCKS_DIFFER_S = 60
"""A token may be this much from the future: another process wrote it."""


class VisitorTokens:
    """Signs and verifies an identity: `<key id>.<issued at>.<identity>.<signature>`, all but the
    signature in hexadecimal. The first secret signs, all of them verify. A token that was made
    for another purpose is invalid.
    """

    def __init__(self, *secrets: str, purpose: bytes = VISITOR, life_s: int = COOKIE_S) -> None:
        self._life_s = life_s
        ids, keys = key_ids(purpose, secrets), derive_keys(purpose, secrets)
        self._keys = dict(zip(ids, keys, strict=True))
        self._signing, self._key = ids[0], keys[0]

    def write(self, visitor_id: UUID, issued_at: int | None = None) -> str:
        """`issued_at` in seconds since 1970; now if it is not said."""
        moment = int(time.time()) if issued_at is None else issued_at
        said = b"%b.%08x.%b" % (self._signing, moment, visitor_id.hex.encode())
        return (said + b"." + _seal(self._key, said)).decode()

    def read(self, token: bytes) -> tuple[UUID, bool] | None:
        """The identity in a living token of ours, and whether it is due to be written anew.

        The whole seal is compared as it is spelt, so that an altered token, also in the spare
        bits of its base64, is nobody's.
        """
        said, _, seal = token.rpartition(b".")
        key = self._keys.get(token[:8])
        if key is None or not hmac.compare_digest(_seal(key, said), seal):
            return None
        age_s = time.time() - int(said[9:17], 16)
        if not -CLOCKS_DIFFER_S <= age_s <= self._life_s:
            return None
        due = age_s > RENEWED_AFTER_S or key is not self._key
        return UUID(hex=said[18:].decode()), due


def _seal(key: bytes, said: bytes) -> bytes:
    return urlsafe_b64encode(hmac.digest(key, said, "sha256")).rstrip(b"=")


class Visitors:
    """Gives every request and websocket an identity: the verified cookie's, else a new one.

    The cookie is set on pages and on answers to calls that change something, never on answers
    that a shared cache may keep.
    """

    def __init__(
        self, app: ASGIApp, tokens: VisitorTokens, revocations: Revocations, *, https_only: bool
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._revocations = revocations
        self._https_only = https_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            await self._request(scope, receive, send)
        elif scope["type"] == ScopeType.WEBSOCKET:
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        known, due, over = self._known(scope)
        reads = scope["method"] in {"GET", "HEAD", "OPTIONS"}
        # A stranger who only reads needs no name, and a good random one is not free.
        visitor_id = known or (None if reads else uuid4())
        scope["caller_id"] = visitor_id  # pyright: ignore[reportGeneralTypeIssues]
        scope["caller_known"] = known is not None  # pyright: ignore[reportGeneralTypeIssues]
        scope[OVER] = over  # pyright: ignore[reportGeneralTypeIssues]

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                if not reads or _is_page(headers):
                    named = visitor_id or uuid4()
                    if BECOMES in scope:
                        named = scope[BECOMES]
                    elif known and (not due or self._revocations.is_revoked(known)):
                        # Who signed out beside this gets their cookie there; it must stay.
                        named = None
                    if named:
                        cookie = (b"set-cookie", self._cookie(named, self._is_tls(scope)))
                        message["headers"] = [*headers, cookie]
            await send(message)

        # Data that is read is never a page.
        bare = reads and (scope["path"].startswith("/api/") or (known and not due))
        answer = send if bare else send_with_cookie
        if known and reads:
            await RevocableConnection(self._revocations, known).run(
                self._app, scope, receive, answer
            )
        else:
            await self._app(scope, receive, answer)

    async def _websocket(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        known, _, _ = self._known(scope)
        visitor_id = known or uuid4()
        if not known:
            # Whoever reads the headers of this connection shall see one visitor all the time. The
            # browser is not told: granian sends no headers of ours when a websocket opens.
            cookie = self._cookie(visitor_id, self._is_tls(scope)).partition(b";")[0]
            others = [one for one in scope["headers"] if one[0] != b"cookie"]
            scope["headers"] = [*others, (b"cookie", cookie)]
        await RevocableConnection(self._revocations, visitor_id).run(
            self._app, scope, receive, send
        )

    def _known(self, scope: Scope) -> tuple[UUID | None, bool, bool]:
        """The cookie's identity, whether it is due to be written anew, and whether it is over."""
        name: bytes | None = None
        for header, value in scope["headers"]:
            if header == b"cookie":
                name = name or (COOKIE_UNDER_TLS if self._is_tls(scope) else COOKIE)
                for pair in value.split(b";"):
                    given, _, token = pair.strip().partition(b"=")
                    if given == name:
                        found = self._tokens.read(token)
                        if found and not self._revocations.is_revoked(found[0]):
                            return *found, False
                        return None, False, found is not None
        return None, False, False

    def _cookie(self, visitor_id: UUID, tls: bool) -> bytes:
        name = (COOKIE_UNDER_TLS if tls else COOKIE).decode()
        secure = "; Secure" if tls else ""
        value = self._tokens.write(visitor_id)
        return (
            f"{name}={value}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax{secure}"
        ).encode()

    def _is_tls(self, scope: Scope) -> bool:
        """Whether the visitor's browser came over TLS."""
        if self._https_only or scope["scheme"] in {"https", "wss"}:
            return True
        # Behind a host's proxy the connection to us is plain; its word is only used to demand more.
        return any(
            name == b"x-forwarded-proto" and value.split(b",")[0].strip() == b"https"
            for name, value in scope["headers"]
        )


def _is_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    for name, value in headers:
        if name.lower() == b"content-type":
            return value.startswith(b"text/html")
    return False
