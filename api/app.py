"""The application factory of the HTTP API."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar

from api import openapi
from api.controllers.categories import CategoryController
from api.controllers.chat_turns import ChatTurnController
from api.controllers.chats import ChatController, SharedChatController
from api.controllers.credits import CreditController
from api.controllers.factoids import FactoidController
from api.controllers.feedback import FeedbackController
from api.controllers.generation import GenerationController
from api.controllers.health import HealthController
from api.controllers.keys import KeyController
from api.controllers.limits import LimitsController
from api.controllers.models import ModelController
from api.controllers.payments import CheckoutController
from api.controllers.quote import QuoteController
from api.controllers.recovery import RecoveryController
from api.controllers.session import SessionController
from api.controllers.vault import VaultController
from api.controllers.votes import VoteController
from api.controllers.webhook import WebhookController
from api.decimals import PlainDecimal
from api.dependencies import DEPENDENCIES
from api.guards import AccessRulesPlugin
from api.middleware import idempotency, stack
from api.problems import EXCEPTION_HANDLERS
from api.strict_request import StrictRequest
from domain.infra.gc_tuning import tune_gc
from domain.infra.logging import configure_logging
from domain.services import Services
from settings import Settings
from settings.process import load_process

MAX_BODY_BYTES = 64 * 1024

CONTROLLERS = (
    CategoryController,
    ChatTurnController,
    ChatController,
    SharedChatController,
    CreditController,
    FactoidController,
    FeedbackController,
    GenerationController,
    HealthController,
    KeyController,
    LimitsController,
    ModelController,
    CheckoutController,
    QuoteController,
    RecoveryController,
    SessionController,
    VaultController,
    VoteController,
    WebhookController,
)


@asynccontextmanager
async def connections(app: Litestar) -> AsyncGenerator[None]:
    """Open the connections of the process, and close them at shutdown."""
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
    """The API as an ASGI application, by default with the settings of the process."""
    settings = settings or load_process()
    configure_logging(production=settings.production, level=settings.log_level)
    app = Litestar(
        route_handlers=[*CONTROLLERS, openapi.DocumentController, openapi.docs_browser()],
        dependencies=DEPENDENCIES,
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[connections],
        openapi_config=openapi.openapi_config(),
        plugins=[AccessRulesPlugin(), openapi.OperationPlugin(), idempotency.IdempotencyPlugin()],
        request_class=StrictRequest,
        type_encoders={PlainDecimal: str},
        request_max_body_size=MAX_BODY_BYTES,
        debug=False,
        logging_config=None,
    )
    idempotency.document(app)
    openapi.complete(app)
    app.state.services = services = Services(settings)
    layers = stack.api_layers(settings, services.credentials)
    app.asgi_handler = stack.wrap(app.asgi_handler, layers)
    return app
