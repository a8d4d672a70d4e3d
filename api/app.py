"""The HTTP API: `create_app` reads from top to bottom."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar, Router

from api import openapi
from api.controllers import health
from api.controllers.chat_turns import ChatTurnController
from api.controllers.chats import ChatController, read_shared
from api.controllers.credits import credits
from api.controllers.factoids import FactoidController, list_categories
from api.controllers.generation import GenerationController, limits, list_models
from api.controllers.keys import KeyController, sign_out
from api.controllers.payments import CheckoutController, receive_event
from api.controllers.quote import quote
from api.controllers.recovery import make_recovery_link, recover
from api.controllers.vault import open_vault
from api.controllers.votes import VoteController, leave_feedback
from api.decimals import PlainDecimal
from api.dependencies import DEPENDENCIES
from api.middleware import idempotency
from api.middleware.authentication import ApiKeyMiddleware
from api.middleware.conditional_requests import ConditionalRequestMiddleware
from api.middleware.cross_site import CrossSiteMiddleware
from api.middleware.head import HeadMiddleware, OptionsMiddleware
from api.middleware.rate_limit import RateLimitMiddleware
from api.middleware.request_log import RequestLogMiddleware
from api.middleware.request_normalizer import RequestNormalizer
from api.middleware.webhook_bypass import WebhookBypass
from api.problems import EXCEPTION_HANDLERS
from api.strict_request import StrictRequest
from api.visitor_cookie import Visitors, VisitorTokens
from domain.infra.gc_tuning import tune_gc
from domain.infra.logging import configure_logging
from domain.services import Services
from settings import Settings
from settings.process import load_process

BODY_BYTES_AT_MOST = 64 * 1024


@asynccontextmanager
async def connections(app: Litestar) -> AsyncGenerator[None]:
    """Open what the process holds, and close it."""
    services: Services = app.state.services
    await services.open()
    await services.credentials.start(services.database)
    await services.live.open()
    tune_gc()
    try:
        yield
    finally:
        await services.live.close()
        await services.credentials.stop()
        await services.close()


def create_app(settings: Settings | None = None) -> Litestar:
    """The API as an ASGI application; its settings are those of the process unless given."""
    settings = settings or load_process()
    configure_logging(production=settings.production, level=settings.log_level)
    product = Router(
        "/",
        route_handlers=[
            FactoidController,
            VoteController,
            GenerationController,
            KeyController,
            CheckoutController,
            credits,
            ChatController,
            ChatTurnController,
            leave_feedback,
            limits,
            list_categories,
            list_models,
            make_recovery_link,
            open_vault,
            quote,
            receive_event,
            recover,
            read_shared,
            health.live,
            health.ready,
            sign_out,
        ],
    )
    app = Litestar(
        route_handlers=[product, openapi.document, openapi.docs_browser()],
        dependencies=DEPENDENCIES,
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[connections],
        openapi_config=openapi.openapi_config(),
        plugins=[openapi.DocumentsRefusals(), idempotency.IdempotencyPlugin()],
        request_class=StrictRequest,
        type_encoders={PlainDecimal: str},
        request_max_body_size=BODY_BYTES_AT_MOST,
        debug=False,
        logging_config=None,
    )
    idempotency.document(app)
    openapi.complete(app)
    app.state.services = services = Services(settings)
    routed = OptionsMiddleware(app.asgi_handler)
    answers = RateLimitMiddleware(ConditionalRequestMiddleware(routed))
    https_only = settings.https_only
    tokens = VisitorTokens(*settings.server_secrets)
    visitors = Visitors(answers, tokens, services.credentials.revocations, https_only=https_only)
    # Around the router too, so that an unknown address has an id and a line in the log.
    known = ApiKeyMiddleware(
        app, holders=answers, others=visitors, credentials=services.credentials
    )
    people = RequestNormalizer(CrossSiteMiddleware(known, https_only=https_only))
    app.asgi_handler = RequestLogMiddleware(
        HeadMiddleware(WebhookBypass(machines=routed, others=people)), https_only=https_only
    )
    return app
