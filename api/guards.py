"""Access rules as Litestar guards, declared on controllers and handlers.

Every handler has exactly one of these rules, or the app does not start.
"""

from dataclasses import dataclass
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import ImproperlyConfiguredException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute

from api.auth import identity_of
from domain.accounts.keys import Scope
from domain.errors import Forbidden

Connection = ASGIConnection[Any, Any, Any, Any]


class MissingScope(Forbidden):
    code = "missing_scope"


class OnlyForVisitors(Forbidden):
    code = "visitors_only"


@dataclass(frozen=True)
class AccessRule:
    """Allows all visitors, and API keys with the scope."""

    key_scope: Scope | None
    """None if API keys are not allowed."""

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        identity = identity_of(connection.scope)
        if identity.caller.kind != "key":
            return
        # OPTIONS changes nothing, whatever the other methods of the path do.
        reads = connection.scope.get("method") == "OPTIONS"
        needed = "read" if reads else self.key_scope
        if needed is None:
            raise OnlyForVisitors("Only a visitor can do this, in a browser. A key cannot.")
        if needed not in identity.key_scopes:
            raise MissingScope(f"This API key lacks the scope “{needed}”.")


@dataclass(frozen=True)
class SignedByTheSender(AccessRule):
    """Allows everybody, since the handler verifies a signature over the body.

    Webhooks bypass the authentication middleware, so there is no identity to check.
    """

    key_scope: None = None

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        pass


def requires_scope(scope: Scope) -> AccessRule:
    return AccessRule(scope)


visitors_only = AccessRule(None)
signed_by_the_sender = SignedByTheSender()


class HotRead(HTTPRouteHandler):
    """`@get` for the hot reads. Litestar copies the handler for each guard, which is a tenth of
    the time of reading one factoid; here the guard gets the handler itself (ADR 15).
    """

    async def authorize_connection(self, connection: Connection) -> None:
        for guard in self.resolve_guards():
            await guard(connection, self)  # pyright: ignore[reportGeneralTypeIssues]


def access_rule(handler: BaseRouteHandler) -> AccessRule:
    """The access rule of a handler.

    Raises:
        ImproperlyConfiguredException: The handler has none, or several.
    """
    rules = [guard for guard in handler.resolve_guards() if isinstance(guard, AccessRule)]
    if len(rules) != 1:
        raise ImproperlyConfiguredException(
            f"{handler} declares {len(rules)} access rules: it needs one guard of api.guards."
        )
    return rules[0]


class AccessRulesPlugin(ReceiveRoutePlugin):
    """Checks at startup that every handler has an access rule."""

    def receive_route(self, route: BaseRoute) -> None:
        handlers: Any = getattr(route, "route_handlers", None) or [
            getattr(route, "route_handler", None)
        ]
        for handler in handlers:
            made_by_litestar = getattr(handler, "http_methods", None) == {"OPTIONS"}
            if made_by_litestar and not handler.resolve_guards():
                handler.resolve_guards().append(requires_scope("read"))
            access_rule(handler)
