"""`make test`: every check and every test. With FAST=1 those that need neither Chromium nor a
process of the product.

Two pytest processes run side by side, each with a database and a Valkey of its own, and the checks
beside them. Named tests run alone: `.venv/bin/python -m dev.test tests/api/test_votes.py -k twice`.
"""

import os
import shlex
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dev import browser
from dev.console import CommandError, echo, fail, step
from dev.databases import Databases
from dev.environment import declared
from dev.frontend import build_if_needed
from dev.lockfile import locked
from dev.parts import NO_TEST_RAN, Part, follow, start_checks, start_tests
from dev.pdeathsig import end_with_parent
from dev.shutdown import graceful
from dev.state import ROOT, TEST_STATE, StateFile
from dev.supervisor import Supervisor

OUTSIDE = ("OPENROUTER_API_KEY", "OPENROUTER_BASE_URL", "PUBLIC_URL", "API_URL", "PORT")
"""What a developer may have set for `make run`; tests must not depend on it, let alone use it."""

PAGES = ("tests/e2e", "tests/dev", "tests/web", "tests/standins")
"""What the first process runs; the second has all the rest. Chosen so that both take as long."""
FAST_PAGES = ("tests/api", "tests/web", "tests/standins")
FAST = ("-m", "not browser and not processes and not proof")
WHOLE = ("-m", "not proof")
QUICK_CHECKS = ("Format", "Lint", "Layers", "Spelling", "Lock")


def main(arguments: list[str]) -> int:
    if "MAKELEVEL" in os.environ:
        end_with_parent()
    try:
        with locked(TEST_STATE) as holder:
            chosen = [argument for argument in arguments if argument != "--fast"]
            return test(holder, chosen, fast="--fast" in arguments)
    except CommandError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


def test(holder: StateFile, arguments: list[str], *, fast: bool) -> int:
    started = time.monotonic()
    with ready(holder, pages=not fast) as (supervisor, values, other):
        if names_tests(arguments):
            parts = [start_tests(supervisor, "tests", values, *arguments, folder=TEST_STATE)]
        else:
            parts = start_all(supervisor, values, other, arguments, fast=fast)
        follow(parts)
    return report(parts, chosen=bool(arguments), took_s=time.monotonic() - started)


@contextmanager
def ready(
    holder: StateFile, *, pages: bool
) -> Generator[tuple[Supervisor, dict[str, str], dict[str, str]]]:
    """The databases, and with `pages` a browser and the built site; stopped afterwards.

    Yields what starts processes and the environments of two that run side by side.
    """
    values = declared()
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name in values and values.get(f"TEST_{name}") == values[name]:
            raise CommandError(f"TEST_{name}: must not be {name}; tests throw their data away.")
    databases = [
        Databases(
            TEST_STATE,
            postgres="TEST_DATABASE_URL" not in values,
            valkey="TEST_REDIS_URL" not in values,
            durable=False,
        ),
        # One Postgres has a database for each process. Messages of a Redis reach all its databases.
        Databases(TEST_STATE / "second", postgres=False),
    ]
    supervisor = Supervisor(TEST_STATE)
    try:
        with graceful():
            if pages:
                values["CHROMIUM"] = browser.ensure()
            with step("Starting Postgres and Redis for the tests"):
                first, second = (one.start() for one in databases)
            values.update({f"TEST_{name}": url for name, url in first.items()})
            values = only_for_tests(values)
            if pages:
                build_if_needed(supervisor, values)
            other = only_for_tests(values | {"TEST_REDIS_URL": second["REDIS_URL"]})
            yield supervisor, values, other
    finally:
        holder.put(stopping=True)
        supervisor.stop()
        for one in reversed(databases):
            one.stop()


def start_all(
    supervisor: Supervisor,
    values: dict[str, str],
    other: dict[str, str],
    arguments: list[str],
    *,
    fast: bool,
) -> list[Part]:
    pages = FAST_PAGES if fast else PAGES
    arguments = [*(FAST if fast else WHOLE), *arguments]
    rest = ["tests", *(f"--ignore={folder}" for folder in pages)]
    if fast:
        rest.append("--ignore=tests/e2e")
    return [
        start_tests(supervisor, "pages", values, *pages, *arguments, folder=TEST_STATE),
        start_tests(supervisor, "product", other, *rest, *arguments, folder=TEST_STATE),
        start_checks(supervisor, values, *(QUICK_CHECKS if fast else ())),
    ]


def names_tests(arguments: list[str]) -> bool:
    return any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)


def report(parts: list[Part], *, chosen: bool, took_s: float) -> int:
    """Print every failing test with the command that runs it alone; answers the exit code.

    A process that no test was `chosen` for may have none; one that crashed has failed.
    """
    passed = sum(part.passed for part in parts)
    failed = [test for part in parts for test in part.failed]
    broken = [
        part.name
        for part in parts
        if part.code and not (part.code == NO_TEST_RAN and chosen and passed)
    ]
    if failed:
        echo("To run a failing test alone:")
        python = os.path.relpath(sys.executable, Path.cwd())
        for test in failed:
            echo(f"  {python} -m dev.test {shlex.quote(test)}")
    if broken:
        fail(CommandError(f"Failed: {', '.join(broken)}."))
    minutes, seconds = divmod(round(took_s), 60)
    echo(f"{passed} passed, {len(failed)} failed in {minutes} min {seconds} s")
    return 1 if broken else 0


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
    sys.exit(main(sys.argv[1:]))
