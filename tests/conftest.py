"""The environment and the fixtures of all tests.

A fixture is defined in one module, which pytest loads as a plugin. Imported into several
`conftest.py` it would be another one in each: session fixtures would start a server per folder.
"""

import pytest

from tests import environment

environment.apply()

pytest_plugins = [
    "tests.fixtures.database",
    "tests.fixtures.api",
    "tests.fixtures.openrouter",
    "tests.fixtures.generation",
    "tests.fixtures.chat",
    "tests.fixtures.stripe",
    "tests.fixtures.payments",
]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
