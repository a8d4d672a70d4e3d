"""`make test`: every check and every test, against databases of its own."""

import os
import sys

from dev import browser
from dev.check import failed_checks
from dev.console import CommandError, echo, fail, step
from dev.databases import Databases
from dev.environment import declared
from dev.frontend import build_if_needed
from dev.lockfile import locked
from dev.pdeathsig import end_with_parent
from dev.shutdown import graceful
from dev.state import TEST_STATE, StateFile
from dev.supervisor import Supervisor

OUTSIDE = ("OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "PUBLIC_URL", "API_URL", "PORT")
"""What a developer may have set for `make run`; tests must not depend on it, let alone use it."""


def main() -> int:
    if "MAKELEVEL" in os.environ:
        end_with_parent()
    try:
        with locked(TEST_STATE) as holder:
            return test(holder)
    except CommandError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


def test(holder: StateFile) -> int:
    values = declared()
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name in values and values.get(f"TEST_{name}") == values[name]:
            raise CommandError(f"TEST_{name}: must not be {name}; tests throw their data away.")
    databases = Databases(
        TEST_STATE,
        postgres="TEST_DATABASE_URL" not in values,
        valkey="TEST_REDIS_URL" not in values,
        durable=False,
    )
    supervisor = Supervisor(TEST_STATE)
    try:
        with graceful():
            values["CHROMIUM"] = browser.ensure()
            with step("Starting Postgres and Redis for the tests"):
                values.update({f"TEST_{name}": url for name, url in databases.start().items()})
            values = only_for_tests(values)
            build_if_needed(supervisor, values)
            failed = failed_checks()
            if supervisor.finish(supervisor.start("tests", values, show_all=True)):
                failed.append("Tests")
    finally:
        holder.put(stopping=True)
        supervisor.stop()
        databases.stop()
    if failed:
        return fail(CommandError(f"Failed: {', '.join(failed)}."))
    echo("Every check and every test passed.")
    return 0


def only_for_tests(values: dict[str, str]) -> dict[str, str]:
    """The product's own variables name the tests' databases, so that no test can miss them.

    Emptied variables stay in the environment, where they win against those in `.env`.
    """
    return {
        **values,
        **dict.fromkeys(OUTSIDE, ""),
        "ENVIRONMENT": "test",
        "DATABASE_URL": values["TEST_DATABASE_URL"],
        "REDIS_URL": values["TEST_REDIS_URL"],
    }


if __name__ == "__main__":
    sys.exit(main())
