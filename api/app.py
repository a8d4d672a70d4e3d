"""The HTTP API: `create_app` reads from top to bottom."""

import gc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.middleware import ASGIMiddleware
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send

from api import openapi
from api.body import StrictRequest
from api.conditional import NEVER, ConditionalReads
from api.controllers import service
from api.controllers.factoids import FactoidController, list_categories
from api.controllers.generation import GenerationController, limits, list_models
from api.controllers.votes import VoteController, leave_feedback
from api.dependencies import DEPENDENCIES, fill
from api.problems import EXCEPTION_HANDLERS
from api.request_id import RequestLog
from api.visitors import Visitors
from db.session import open_database
from domain.logging import configure_logging
from domain.redis import open_redis
from settings import settings

BODY_BYTES_AT_MOST = 64 * 1024


class TellsMethods(ASGIMiddleware):
    """Answers OPTIONS. Litestar's own answer forgets methods that other handlers of the same
    address take.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if scope["type"] != "http" or scope["method"] != "OPTIONS":
            await next_app(scope, receive, send)
            return
        here = scope["path_template"]
        routes = [route for route in scope["litestar_app"].routes if route.path_format == here]
        methods = sorted({method for route in routes for method in route.methods})
        headers = {"Allow": ", ".join(methods), "Cache-Control": NEVER.decode()}
        await ASGIResponse(status_code=204, headers=headers)(scope, receive, send)


@asynccontextmanager
async def connections(app: Litestar) -> AsyncGenerator[None]:
    """Open what the process holds, and close it."""
    database = await open_database(settings)
    redis = open_redis(settings.redis_url)
    fill(app.state, database, redis)
    await app.state.live.open()
    # What lives as long as the process need not be looked at by the collector again.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        await app.state.live.close()
        await redis.aclose()
        await database.close()


def create_app() -> Litestar:
    """The API as an ASGI application."""
    configure_logging(production=settings.production, level=settings.log_level)
    product = Router(
        "/",
        route_handlers=[
            FactoidController,
            VoteController,
            GenerationController,
            leave_feedback,
            limits,
            list_categories,
            list_models,
            service.live,
            service.ready,
        ],
    )
    app = Litestar(
        route_handlers=[product, openapi.document, openapi.docs_browser()],
        dependencies=DEPENDENCIES,
        middleware=[TellsMethods()],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=[connections],
        openapi_config=openapi.openapi_config(),
        plugins=[openapi.DocumentsRefusals()],
        request_class=StrictRequest,
        request_max_body_size=BODY_BYTES_AT_MOST,
        debug=False,
        logging_config=None,
    )
    openapi.complete(app)
    # Around the router too, so that an unknown address has an id and a line in the log.
    app.asgi_handler = RequestLog(Visitors(ConditionalReads(app.asgi_handler), settings.secret_key))
    return app
