"""Anonymous visitors: a random identity in a cookie that only we can write."""

from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from uuid import UUID, uuid4

from itsdangerous import BadSignature, Signer
from litestar.datastructures import MutableScopeHeaders
from litestar.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "visitor"
COOKIE_UNDER_TLS = "__Host-visitor"
COOKIE_S = 365 * 24 * 3_600


class VisitorTokens:
    """Writes and reads the signed identity."""

    def __init__(self, secret: str) -> None:
        self._signer = Signer(secret, salt="visitor", digest_method=sha256)

    def write(self, visitor_id: UUID) -> str:
        return self._signer.sign(visitor_id.hex).decode()

    def read(self, token: str) -> UUID | None:
        """The identity in a token of ours, or None. An altered token is nobody's."""
        try:
            visitor_id = UUID(hex=self._signer.unsign(token).decode())
        except (BadSignature, ValueError):
            return None
        # Base64 has spare bits: only the spelling we wrote is accepted.
        return visitor_id if self.write(visitor_id) == token else None


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
        visitor_id = known or uuid4()
        scope["visitor_id"] = visitor_id  # pyright: ignore[reportGeneralTypeIssues]
        scope["visitor_known"] = known is not None  # pyright: ignore[reportGeneralTypeIssues]

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and known is None:
                headers = MutableScopeHeaders.from_message(message)
                page = headers.get("content-type", "").startswith("text/html")
                if page or scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
                    headers.add("Set-Cookie", self._cookie(visitor_id, _is_tls(scope)))
            await send(message)

        await self._app(scope, receive, send_with_cookie)

    def _known(self, scope: Scope) -> UUID | None:
        name = COOKIE_UNDER_TLS if _is_tls(scope) else COOKIE
        for header, value in scope["headers"]:
            if header == b"cookie":
                token = _cookies(value.decode("latin-1")).get(name)
                return self._tokens.read(token) if token else None
        return None

    def _cookie(self, visitor_id: UUID, tls: bool) -> str:
        name = COOKIE_UNDER_TLS if tls else COOKIE
        secure = "; Secure" if tls else ""
        value = self._tokens.write(visitor_id)
        return f"{name}={value}; Path=/; Max-Age={COOKIE_S}; HttpOnly; SameSite=Lax{secure}"


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}


def _is_tls(scope: Scope) -> bool:
    if scope["scheme"] == "https":
        return True
    # Behind a host's proxy the connection to us is plain; its word is only used to demand more.
    return any(n == b"x-forwarded-proto" and v == b"https" for n, v in scope["headers"])
