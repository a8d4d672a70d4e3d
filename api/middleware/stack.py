"""The ASGI layers around the API's router and around the pages, outermost first.

They are outside Litestar so that they also apply to paths without a handler (ADR 15).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.middleware.authentication import AuthenticationMiddleware
from api.middleware.conditional_requests import ConditionalRequestMiddleware
from api.middleware.cross_site import CrossSiteMiddleware
from api.middleware.head import HeadMiddleware
from api.middleware.options import OptionsMiddleware
from api.middleware.rate_limit import RateLimitMiddleware
from api.middleware.request_log import RequestLogMiddleware
from api.middleware.request_normalizer import RequestNormalizer
from api.middleware.revocable_connection import RevocableConnectionMiddleware
from api.middleware.visitor_cookie import VisitorCookieMiddleware
from api.visitor_cookie import VisitorCookies, VisitorTokens
from domain.accounts.credential_cache import CredentialCache
from settings import Settings

WEBHOOK = "/api/payments/webhook"
"""Webhooks bypass the layers for visitors and keys: the handler verifies a signature over the
unchanged bytes."""

ConnectionType = Literal["http", "webhook", "websocket", "lifespan"]
CONNECTION_TYPES: tuple[ConnectionType, ...] = ("http", "webhook", "websocket", "lifespan")


class Layer(msgspec.Struct, frozen=True):
    """A middleware and the connection types that it applies to."""

    middleware: Callable[..., ASGIApp]
    types: frozenset[ConnectionType]


def layer(middleware: Callable[..., ASGIApp], *types: ConnectionType) -> Layer:
    return Layer(middleware, frozenset(types))


def api_layers(settings: Settings, credentials: CredentialCache) -> list[Layer]:
    request_log = partial(RequestLogMiddleware, https_only=settings.https_only)
    cross_site = partial(CrossSiteMiddleware, https_only=settings.https_only)
    caller = _CallerLayers(settings, credentials)
    return [
        layer(request_log, "http", "webhook"),
        layer(HeadMiddleware, "http", "webhook"),
        layer(RequestNormalizer, "http"),
        layer(cross_site, "http", "websocket"),
        layer(caller.authentication, "http", "websocket"),
        layer(caller.visitor_cookie, "http"),
        layer(caller.revocable_connection, "http", "websocket"),
        layer(RateLimitMiddleware, "http"),
        layer(ConditionalRequestMiddleware, "http"),
        layer(OptionsMiddleware, "http", "webhook"),
    ]


def page_layers(settings: Settings, credentials: CredentialCache) -> list[Layer]:
    """The layers around the pages, which accept visitors but not API keys."""
    caller = _CallerLayers(settings, credentials, api_keys=False)
    return [
        layer(caller.authentication, "http", "websocket"),
        layer(caller.visitor_cookie, "http"),
        layer(caller.revocable_connection, "http", "websocket"),
    ]


class _CallerLayers:
    """The layers that authenticate the caller and depend on who it is."""

    def __init__(self, settings: Settings, credentials: CredentialCache, *, api_keys: bool = True):
        cookies = VisitorCookies(
            VisitorTokens(*settings.server_secrets), https_only=settings.https_only
        )
        self.authentication = partial(
            AuthenticationMiddleware,
            cookies=cookies,
            credentials=credentials,
            trusted_proxy_hops=settings.trusted_proxy_hops,
            api_keys=api_keys,
        )
        self.visitor_cookie = partial(
            VisitorCookieMiddleware, cookies=cookies, revocations=credentials.revocations
        )
        self.revocable_connection = partial(
            RevocableConnectionMiddleware, revocations=credentials.revocations
        )


def chain_of(app: ASGIApp, layers: list[Layer], type: ConnectionType) -> ASGIApp:
    """The app wrapped in the layers of one connection type."""
    for outer in reversed(layers):
        if type in outer.types:
            app = outer.middleware(app)
    return app


def wrap(app: Any, layers: list[Layer]) -> ASGIApp:
    """The app wrapped in its layers, with one chain for each connection type."""
    chains = {type: chain_of(app, layers, type) for type in CONNECTION_TYPES}
    http, webhook = chains["http"], chains["webhook"]

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            chain = webhook if scope["path"] == WEBHOOK else http
        else:
            chain = chains[scope["type"]]
        await chain(scope, receive, send)

    return dispatch
