"""Authentication of requests and websockets by API key or visitor cookie."""

from typing import Any
from uuid import UUID, uuid4

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send, WebSocketScope

from api.auth import Identity, client_address
from api.http_semantics import SAFE_METHODS
from api.problems import send_refusal
from api.visitor_cookie import VisitorCookies
from domain.accounts.credential_cache import CredentialCache
from domain.caller import Caller, network_of
from domain.errors import Unauthorized


class NoSuchScheme(Unauthorized):
    code = "key_unknown"


class AuthenticationMiddleware:
    """Stores the identity in the scope: of the API key, else of the visitor cookie, else a new one.

    With a key, cookies are ignored. A visitor without a cookie who only reads gets no id, which
    saves generating a random one. With `api_keys` off (the pages), keys are ignored.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        cookies: VisitorCookies,
        credentials: CredentialCache,
        trusted_proxy_hops: int,
        api_keys: bool = True,
    ) -> None:
        self._app = app
        self._cookies = cookies
        self._credentials = credentials
        self._trusted_proxy_hops = trusted_proxy_hops
        self._api_keys = api_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        values: Any = scope
        address = client_address(scope, self._trusted_proxy_hops)
        key = _authorization(scope) if self._api_keys else None
        if key is None:
            values["identity"] = self._visitor(scope, address)
        else:
            try:
                values["identity"] = await self._key_holder(key, address)
            except Exception as refusal:
                await send_refusal(refusal, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _key_holder(self, authorization: bytes, address: str) -> Identity:
        scheme, _, token = authorization.decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            raise NoSuchScheme("Send an API key as “Authorization: Bearer adf_…”.")
        key = await self._credentials.authenticate(token.strip())
        caller = Caller(
            "key", key.id, network_of(address), key.rate_limit, key.budget_usd, key.owner_id
        )
        return Identity(caller, address, tuple(key.scopes), known=True)

    def _visitor(self, scope: HTTPScope | WebSocketScope, address: str) -> Identity:
        cookie = self._cookies.read(scope)
        visitor_id, renew = cookie or (None, False)
        signed_out = visitor_id is not None and self._credentials.revocations.is_revoked(visitor_id)
        if signed_out:
            visitor_id, renew = None, False
        known = visitor_id is not None
        if scope["type"] == ScopeType.WEBSOCKET:
            visitor_id = visitor_id or self._give_cookie(scope)
        elif not known and scope["method"] not in SAFE_METHODS:
            visitor_id = uuid4()
        caller = Caller("visitor", visitor_id, network_of(address))
        return Identity(caller, address, known=known, renew=renew, signed_out=signed_out)

    def _give_cookie(self, scope: WebSocketScope) -> UUID:
        """Add the cookie of a new visitor to the headers of a websocket.

        Later readers of the scope then see the same visitor each time. The browser does not get
        the cookie, since granian sends no headers of the application when it accepts a websocket.
        """
        visitor_id = uuid4()
        cookie = self._cookies.cookie(scope, visitor_id)
        others = [header for header in scope["headers"] if header[0] != b"cookie"]
        scope["headers"] = [*others, (b"cookie", cookie)]
        return visitor_id


def _authorization(scope: HTTPScope | WebSocketScope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            return value
    return None
