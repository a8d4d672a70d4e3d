"""Everything a browser sees, on one origin: the pages and, in the same process, the API.

granian --interface asgi --host 0.0.0.0 --port $PORT serve:app
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

os.environ.setdefault("REFLEX_ENV_MODE", "prod")

from reflex.environment import environment
from reflex.utils.prerequisites import get_web_dir

# The pages were built before; a server only mounts them.
environment.REFLEX_SKIP_COMPILE.set(True)
environment.REFLEX_MOUNT_FRONTEND_COMPILED_APP.set(True)

from api.app import create_app
from api.middleware import stack
from domain.accounts.credential_cache import CredentialCache
from settings.process import load_process
from web.app import app as pages
from web.app import follow_live_changes
from web.client import api as client
from web.pages import PAGES
from web.server.content_security_policy import page_headers
from web.server.page import Build
from web.server.prerender import Prerenderer
from web.server.site import OriginRouter, PageSecurity
from web.server.socket_guard import (
    EventFilter,
    SocketGuard,
    allowed_events,
    browser_storage_states,
)

settings = load_process()
api = None if settings.api_url else create_app(settings)
client.use_app(api, api_url=settings.api_url)


@pages.register_lifespan_task
@asynccontextmanager
async def run_api() -> AsyncGenerator[None]:
    """Start the API with the pages and stop it after them."""
    if api is None:
        yield
        return
    async with api.lifespan():
        yield


# After the API: it is the API that it listens to.
pages.register_lifespan_task(follow_live_changes)

build = get_web_dir() / "build" / "client"
prerendered = Prerenderer(pages(), PAGES, Build(build, settings))
# Where the API runs elsewhere it alone knows who was signed out, and refuses them.
credentials = api.state.services.credentials if api else CredentialCache(*settings.server_secrets)
visited = stack.wrap(prerendered, stack.page_layers(settings, credentials))
app = OriginRouter(
    pages=PageSecurity(
        SocketGuard(visited, EventFilter(allowed_events(), browser_storage_states())),
        page_headers(build, settings),
        https_only=settings.https_only,
    ),
    api=api,
)
