"""`make proof`: what takes longer than a test may, in parts that run alone.

Of each, `make test` runs a short seeded form.
"""

import sys
import time
from dataclasses import dataclass, field

from dev.console import CommandError, echo, fail
from dev.lockfile import locked
from dev.parts import follow, start_tests
from dev.state import TEST_STATE, StateFile
from dev.test import ready, report


@dataclass(frozen=True)
class Proof:
    about: str
    tests: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict[str, str])
    """How much more than in `make test`."""


PROOFS = {
    "browser": Proof(
        "the pages' tests in the whole Chromium, with a window around each visitor",
        ("tests/e2e",),
        {"CHROMIUM": "chromium"},
    ),
    "limits": Proof(
        "a limit holds exactly for a thousand uses at once from eight processes, a hundred times",
        ("tests/domain/test_limit_processes.py",),
        {"LIMIT_RUNS": "100"},
    ),
    "ledger": Proof(
        "no pot passes its limit, whatever happens at once: two hundred seeds",
        ("tests/domain/test_budget.py", "-k", "whatever_happens_at_once"),
        {"LEDGER_SEEDS": "200"},
    ),
    "credits": Proof(
        "balances of credits are their entries, whatever happens at once: a thousand seeds",
        ("tests/domain/test_credits.py", "-k", "whatever_happens_at_once"),
        {"CREDIT_SEEDS": "1000"},
    ),
    "wall": Proof(
        "a budget for 37 of a thousand requests at four APIs and four workers",
        ("tests/jobs/test_budget_wall.py",),
        {"WALL_REQUESTS": "1000", "WALL_PROCESSES": "4"},
    ),
    "injections": Proof(
        "every hostile topic there is, generated like any other",
        ("tests/security/test_injection.py",),
        {"INJECTION_TOPICS": "1000"},
    ),
}


def main(names: list[str]) -> int:
    if unknown := [name for name in names if name not in PROOFS]:
        for name, proof in PROOFS.items():
            echo(f"  make proof PART={name:<12} {proof.about}")
        if unknown == ["help"]:
            return 0
        return fail(CommandError(f"There is no part {', '.join(unknown)}."))
    try:
        with locked(TEST_STATE) as holder:
            return prove(holder, names or list(PROOFS))
    except CommandError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130


def prove(holder: StateFile, names: list[str]) -> int:
    """Run the parts one after the other, so that each has the whole machine."""
    started = time.monotonic()
    parts = []
    with ready(holder, pages="browser" in names) as (supervisor, values, _):
        for name in names:
            proof = PROOFS[name]
            environment = values | proof.environment
            part = start_tests(supervisor, name, environment, *proof.tests, folder=TEST_STATE)
            follow([part])
            parts.append(part)
    return report(parts, chosen=False, took_s=time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
