"""One stack and one Chromium for all of these tests; data and visitors anew for each."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser
from sqlalchemy import select

from db.models import GenerationRequest
from db.session import Database
from tests.e2e.browser import Visitor, new_visitor, running_chromium
from tests.e2e.stack import Site, Worker, running_site
from tests.factories import Factories
from tests.fixtures.payments import selling
from tests.processes import until
from tests.standins.openrouter.running import RunningOpenRouter, running_openrouter
from tests.standins.stripe import StripeStandIn

PLENTY = "1000/60,1000/3600"
FRUGAL = "1/60,3/3600,20/86400"
MODELS = {"openai/gpt-4o-mini": "GPT-4o-mini", "openai/gpt-4.1-nano": "GPT-4.1 Nano"}

NewVisitor = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="package")
async def model_server() -> AsyncGenerator[RunningOpenRouter]:
    async with running_openrouter() as standin:
        yield standin


@pytest.fixture(scope="package")
async def worker(empty_database: None, model_server: RunningOpenRouter) -> AsyncGenerator[Worker]:
    """The one worker; a test that kills it starts it again."""
    worker = Worker(OPENROUTER_BASE_URL=model_server.base_url)
    await worker.start()
    yield worker
    await worker.end()


@pytest.fixture(scope="package")
async def stack(worker: Worker, model_server: RunningOpenRouter) -> AsyncGenerator[Site]:
    """Web and worker, ready for visitors. Ends with this folder: its worker takes every job."""
    address = {"OPENROUTER_BASE_URL": model_server.base_url}
    async with running_site(GENERATE_LIMITS=PLENTY, **address) as site:
        # The worker lists the models when it starts; until then its start is not over.
        await site.until_answers("/api/models", containing='"openai/')
        yield site


@pytest.fixture(scope="package")
async def chromium() -> AsyncGenerator[Browser]:
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
async def openrouter(
    model_server: RunningOpenRouter, stack: Site, database: Database, make: Factories
) -> AsyncGenerator[RunningOpenRouter]:
    """The stand-in with an empty queue, and models to choose from. Leaves nothing being written."""
    await model_server.reset()
    for model, name in MODELS.items():
        await make.model(model, name=name)
    yield model_server
    await _until_all_is_written(model_server, database)


@pytest.fixture
async def site(stack: Site, openrouter: RunningOpenRouter) -> AsyncGenerator[Site]:
    """The site without a single factoid, and with models to ask."""
    await stack.start_if_ended()
    yield stack
    stack.check()


@pytest.fixture(scope="package")
async def frugal_stack(stack: Site, model_server: RunningOpenRouter) -> AsyncGenerator[Site]:
    address = {"OPENROUTER_BASE_URL": model_server.base_url}
    async with running_site(GENERATE_LIMITS=FRUGAL, **address) as site:
        yield site


@pytest.fixture
async def frugal_site(frugal_stack: Site, site: Site) -> Site:
    """The same site with the limits it has in production."""
    return frugal_stack


@pytest.fixture(scope="package")
async def spent_stack(stack: Site, model_server: RunningOpenRouter) -> AsyncGenerator[Site]:
    address = {"OPENROUTER_BASE_URL": model_server.base_url}
    async with running_site(BUDGET_VISITOR_USD="0.0000001", **address) as site:
        yield site


@pytest.fixture
async def spent_site(spent_stack: Site, site: Site) -> Site:
    """The same site on a day whose money is spent."""
    return spent_stack


@pytest.fixture(scope="package")
async def selling_stack(
    stack: Site, model_server: RunningOpenRouter, started_stripe: StripeStandIn
) -> AsyncGenerator[Site]:
    async with running_site(
        OPENROUTER_BASE_URL=model_server.base_url,
        GENERATE_LIMITS="1/3600",
        CHAT_LIMITS="1/3600",
        **selling(started_stripe),
    ) as site:
        yield site


@pytest.fixture
async def shop(selling_stack: Site, site: Site, stripe_standin: StripeStandIn) -> Site:
    """The same site where it sells, hears from Stripe at once, and gives one away an hour."""
    stripe_standin.deliveries.url = f"{selling_stack.origin}/api/payments/webhook"
    stripe_standin.deliveries.manner = "at once"
    return selling_stack


@pytest.fixture
async def buyer(shop: Site, stripe_standin: StripeStandIn, visitors: NewVisitor) -> Visitor:
    """A visitor of the shop; Stripe's page is the only other one they meet."""
    visitor = await visitors(at=shop)
    visitor.forgive(f"^foreign: {stripe_standin.base_url}")
    return visitor


@pytest.fixture
async def visitors(site: Site, chromium: Browser) -> AsyncGenerator[NewVisitor]:
    """Makes visitors; in the end nothing may have gone wrong in any of their windows."""
    made: list[Visitor] = []

    async def new(at: Site = site, **options: object) -> Visitor:
        made.append(await new_visitor(chromium, at.origin, **options))
        return made[-1]

    yield new
    for visitor in made:
        await visitor.context.close()
    assert [trouble for visitor in made for trouble in visitor.unforgiven] == []


@pytest.fixture
async def visitor(visitors: NewVisitor) -> Visitor:
    return await visitors()


@asynccontextmanager
async def unreadable(database: Database) -> AsyncGenerator[None]:
    """Every read of factoids fails meanwhile."""
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("ALTER TABLE factoids RENAME TO elsewhere")
    try:
        yield
    finally:
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO factoids")


async def _until_all_is_written(standin: RunningOpenRouter, database: Database) -> None:
    under_way = select(GenerationRequest.id).where(
        GenerationRequest.status.in_(("queued", "running"))
    )

    async def all_is_written() -> bool:
        async with database.sessions() as session:
            if not (await session.execute(under_way)).first():
                return True
        await standin.open()
        return False

    await until(all_is_written, "the end of what a test left being written")
