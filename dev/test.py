"""`make test`: every check and every test. With FAST=1 those that need neither Chromium nor a
process of the product.

Several pytest processes run side by side, each with a database and a Valkey of its own, and the
checks beside them. Named tests run alone:
`.venv/bin/python -m dev.test tests/api/test_votes.py -k twice`.
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

REST = "product"
WHOLE_PARTS = {
    "pages": ("tests/e2e", "tests/web", "tests/standins"),
    # They mostly wait for processes that start or were killed.
    "workers": ("tests/jobs", "tests/dev", "tests/db"),
    REST: (),
}
FAST_PARTS = {
    "waits": ("tests/domain/test_generation_scenarios.py", "tests/domain/test_generation.py"),
    "security": ("tests/security",),
    "api": ("tests/api", "tests/web", "tests/standins"),
    REST: (),
}
"""The folders of each pytest process; the last has all the rest. Chosen so that none ends long
after the others."""
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
    names = ["tests"] if names_tests(arguments) else list(FAST_PARTS if fast else WHOLE_PARTS)
    with ready(holder, *names, pages=not fast) as (supervisor, environments):
        if names == ["tests"]:
            values = environments["tests"]
            parts = [start_tests(supervisor, "tests", values, *arguments)]
        else:
            parts = start_all(supervisor, environments, arguments, fast=fast)
        follow(parts)
    return report(parts, chosen=bool(arguments), took_s=time.monotonic() - started)


@contextmanager
def ready(
    holder: StateFile, *names: str, pages: bool
) -> Generator[tuple[Supervisor, dict[str, dict[str, str]]]]:
    """The databases, and with `pages` a browser and the built site; stopped afterwards.

    Yields what starts processes and the environment of each of the pytest processes named.
    """
    values = declared()
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name in values and values.get(f"TEST_{name}") == values[name]:
            raise CommandError(f"TEST_{name}: must not be {name}; tests throw their data away.")
    shared = Databases(
        TEST_STATE,
        postgres="TEST_DATABASE_URL" not in values,
        valkey="TEST_REDIS_URL" not in values,
        durable=False,
    )
    # One Postgres has a database for each process. Messages of a Redis reach all its databases.
    own = {name: Databases(TEST_STATE / name, postgres=False) for name in names[1:]}
    supervisor = Supervisor(TEST_STATE)
    try:
        with graceful():
            if pages:
                values["CHROMIUM"] = browser.ensure()
            with step("Starting Postgres and Redis for the tests"):
                values.update({f"TEST_{name}": url for name, url in shared.start().items()})
                redis = {name: started.start()["REDIS_URL"] for name, started in own.items()}
            values = only_for_tests(values)
            if pages:
                build_if_needed(supervisor, values)
            environments = {names[0]: values}
            for name, url in redis.items():
                environments[name] = only_for_tests(values | {"TEST_REDIS_URL": url})
            yield supervisor, environments
    finally:
        holder.put(stopping=True)
        supervisor.stop()
        for started in (*own.values(), shared):
            started.stop()


def start_all(
    supervisor: Supervisor,
    environments: dict[str, dict[str, str]],
    arguments: list[str],
    *,
    fast: bool,
) -> list[Part]:
    arguments = [*(FAST if fast else WHOLE), *arguments]
    folders = FAST_PARTS if fast else WHOLE_PARTS
    elsewhere = [folder for own in folders.values() for folder in own]
    rest = ["tests", *(f"--ignore={folder}" for folder in elsewhere)]
    if fast:
        rest.append("--ignore=tests/e2e")
    parts = [
        start_tests(supervisor, name, values, *(folders[name] or rest), *arguments)
        for name, values in environments.items()
    ]
    checks = start_checks(supervisor, environments[REST], *(QUICK_CHECKS if fast else ()))
    return [*parts, checks]


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
