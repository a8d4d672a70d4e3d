"""Callers with an API key: checked before anything else happens, and told what the key is for."""

from typing import Any, Literal

from litestar import Litestar, Request
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from api.middleware.revocable_connection import RevocableConnection
from api.problems import answer, refuse_domain, refuse_unexpected
from db.repositories.accounts import KnownKey
from domain.accounts.credential_cache import CredentialCache
from domain.accounts.keys import Scope as KeyScope
from domain.errors import DomainError, Forbidden, Unauthorized

SCOPE = "scope"
"""Set in a handler's `opt`: what a key must be for. Every handler that changes something sets it;
reading asks for `read`."""

VISITORS_ONLY: Literal["visitors"] = "visitors"
"""Set instead of a scope: a key may not do this at all."""


class NoSuchScheme(Unauthorized):
    code = "key_unknown"


class MissingScope(Forbidden):
    code = "missing_scope"


class OnlyForVisitors(Forbidden):
    code = "visitors_only"


def scope_of(opt: dict[str, Any]) -> KeyScope | Literal["visitors"]:
    """What a handler with this `opt` asks of a key."""
    return opt.get(SCOPE, "read")


class ApiKeyMiddleware:
    """Answers those who bring a key, and hands all others to the visitors' door.

    A key's holder is no visitor: cookies beside it are neither read nor set.
    """

    def __init__(
        self, app: Litestar, *, holders: ASGIApp, others: ASGIApp, credentials: CredentialCache
    ):
        self._app = app
        self._holders = holders
        self._others = others
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            for name, value in scope["headers"]:
                if name == b"authorization":
                    await self._answer(scope, receive, send, value)
                    return
        await self._others(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send, value: bytes) -> None:
        given: Any = scope
        try:
            key = await self._credentials.authenticate(_token(value))
            self._check_scope(scope, key)
        except Exception as refused:
            request: Request[Any, Any, Any] = Request(scope, receive, send)
            refusal: Any = refuse_domain if isinstance(refused, DomainError) else refuse_unexpected
            await answer(refusal(request, refused), scope, receive, send)
            return
        given["api_key"], given["caller_id"], given["caller_known"] = key, key.id, True
        await RevocableConnection(self._credentials.revocations, key.id).run(
            self._holders, scope, receive, send
        )

    def _check_scope(self, scope: HTTPScope, key: KnownKey) -> None:
        """Raises: MissingScope, OnlyForVisitors: The key is not for what is asked."""
        try:
            # Asked twice: the answer has to be known before the router acts on it.
            _, handler, *_ = self._app.asgi_router.handle_routing(
                path=scope["path"], method=scope["method"]
            )
        except HTTPException:
            return  # There is nothing to be let in to.
        needed = scope_of(getattr(handler, "opt", {}))
        if needed == VISITORS_ONLY:
            raise OnlyForVisitors("Only a visitor can do this, in a browser. A key cannot.")
        if needed not in key.scopes:
            raise MissingScope(f"This API key lacks the scope “{needed}”.")


def _token(value: bytes) -> str:
    scheme, _, token = value.decode("latin-1").partition(" ")
    if scheme.lower() != "bearer":
        raise NoSuchScheme("Send an API key as “Authorization: Bearer adf_…”.")
    return token.strip()


def key_of(scope: Scope) -> KnownKey | None:
    """The key a request brought; it was checked."""
    given: Any = scope
    key: KnownKey | None = given.get("api_key")
    return key
