"""The site as visitors meet it, in a process of its own, and the API in ours."""

from collections.abc import AsyncGenerator

import pytest

from db.session import Database
from tests.e2e.stack import Site, running_site

PLENTY = "1000/60"


@pytest.fixture(scope="session")
async def running(empty_database: None) -> AsyncGenerator[Site]:
    async with running_site(LOG_LEVEL="INFO", GENERATE_LIMITS=PLENTY) as site:
        yield site


@pytest.fixture
async def site(running: Site, database: Database) -> AsyncGenerator[Site]:
    """Pages and API on one origin, over an empty database."""
    yield running
    running.check()
