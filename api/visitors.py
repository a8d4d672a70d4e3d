"""Anonymous visitors: a random identity in a cookie that only we can write."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from uuid import UUID, uuid4

from litestar.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = b"visitor"
COOKIE_UNDER_TLS = b"__Host-visitor"
COOKIE_S = 365 * 24 * 3_600


class VisitorTokens:
    """Writes and reads the signed identity."""

    def __init__(self, secret: str) -> None:
        self._key = sha256(b"visitor\0" + secret.encode()).digest()

    def write(self, visitor_id: UUID) -> str:
        seal = hmac.digest(self._key, visitor_id.bytes, "sha256")
        return f"{visitor_id.hex}.{urlsafe_b64encode(seal).rstrip(b'=').decode()}"

    def read(self, token: bytes) -> UUID | None:
        """The identity in a token of ours, or None.

        The whole token is compared with what we would write, so that an altered one, also in
        the spare bits of its base64, is nobody's.
        """
        try:
            visitor_id = UUID(hex=token[:32].decode("ascii"))
        except ValueError:
            return None
        return visitor_id if hmac.compare_digest(self.write(visitor_id).encode(), token) else None


class Visitors:
    """Gives every request an identity: the verified cookie's, else a new one.

    The cookie is set on pages and on answers to calls that change something; never on
    answers that a shared cache may keep.
    """

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._tokens = VisitorTokens(secret)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = self._known(scope)
        reads = scope["method"] in {"GET", "HEAD", "OPTIONS"}
        # A stranger who only reads needs no name, and a good random one is not free.
        visitor_id = known or (None if reads else uuid4())
        scope["visitor_id"] = visitor_id  # pyright: ignore[reportGeneralTypeIssues]
        scope["visitor_known"] = known is not None  # pyright: ignore[reportGeneralTypeIssues]
        if known:
            await self._app(scope, receive, send)
            return

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"]
                if not reads or _is_page(headers):
                    cookie = (b"set-cookie", self._cookie(visitor_id or uuid4(), _is_tls(scope)))
                    message["headers"] = [*headers, cookie]
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _known(self, scope: Scope) -> UUID | None:
        name: bytes | None = None
        for header, value in scope["headers"]:
            if header == b"cookie":
                name = name or (COOKIE_UNDER_TLS if _is_tls(scope) else COOKIE)
                for pair in value.split(b";"):
                    given, _, token = pair.strip().partition(b"=")
                    if given == name:
                        return self._tokens.read(token)
        return None

    def _cookie(self, visitor_id: UUID, tls: bool) -> bytes:
        name = (COOKIE_UNDER_TLS if tls else COOKIE).decode()
        secure = "; Secure" if tls else ""
        value = self._tokens.write(visitor_id)
        return (
            f"{name}={value}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax{secure}"
        ).encode()


def _is_page(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in headers
    )


def _is_tls(scope: Scope) -> bool:
    if scope["scheme"] == "https":
        return True
    # Behind a host's proxy the connection to us is plain; its word is only used to demand more.
    return any(
        name == b"x-forwarded-proto" and value.split(b",")[0].strip() == b"https"
        for name, value in scope["headers"]
    )
