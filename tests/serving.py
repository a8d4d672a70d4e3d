"""One API in a process of its own, for all tests that need no other settings."""

from collections.abc import AsyncGenerator

import pytest

from tests.processes import RunningAPI, running_api


@pytest.fixture(scope="session")
async def served(empty_database: None) -> AsyncGenerator[RunningAPI]:
    async with running_api(LOG_LEVEL="INFO") as api:
        yield api
