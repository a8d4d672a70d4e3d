"""The environment and the fixtures of all tests.

A fixture is defined in one module, which pytest loads as a plugin. Imported into several
`conftest.py` it would be another one in each: session fixtures would start a server per folder.
"""

from pathlib import Path

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


BROWSER_FOLDERS = {"e2e"}
PROCESS_FOLDERS = {"dev", "jobs"}
PROCESS_FIXTURES = {"served", "shop_api", "running"}
PROCESS_FUNCTIONS = {"running_api", "running_site", "running_worker", "run_command"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser or processes of the product, which `make test FAST=1` leaves out.

    Every test of a module that starts processes counts, whichever of its tests does.
    """
    for item in items:
        assert isinstance(item, pytest.Function)
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in BROWSER_FOLDERS:
            item.add_marker(pytest.mark.browser)
        if (
            folder in PROCESS_FOLDERS
            or PROCESS_FIXTURES.intersection(item.fixturenames)
            or PROCESS_FUNCTIONS.intersection(vars(item.module))
        ):
            item.add_marker(pytest.mark.processes)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
