"""`make proof`: what takes longer than a test may, in parts that run alone.

Of each, `make test` runs a short seeded form: see `tests/proof.py`.
"""

import sys
import time
from dataclasses import dataclass

from dev.console import CommandError, echo, fail
from dev.lockfile import locked
from dev.parts import follow, start_tests
from dev.state import TEST_STATE, StateFile
from dev.test import ready, report


@dataclass(frozen=True)
class Proof:
    about: str
    tests: tuple[str, ...]
    chromium: str | None = None
    """Which browser; else the one of `make test`."""


PROOFS = {
    "browser": Proof(
        "the pages' tests in the whole Chromium, with a window around each visitor",
        ("tests/e2e",),
        chromium="chromium",
    ),
    "limits": Proof(
        "a limit holds exactly for a thousand uses at once from eight processes, a hundred times,"
        " and ten thousand answers say it truly",
        ("tests/domain/test_limit_processes.py", "tests/security/test_limit_headers.py"),
    ),
    "ledger": Proof(
        "no pot passes its limit, whatever happens at once: two hundred seeds; and a request"
        " cancelled at any piece of its answer is booked as billed",
        ("tests/domain/test_budget.py", "tests/domain/test_budget_settled.py"),
    ),
    "credits": Proof(
        "balances of credits are their entries, whatever happens at once: a thousand seeds",
        ("tests/domain/test_credits.py",),
    ),
    "payments": Proof(
        "events in all orders have one end, and return and webhook at once grant once",
        ("tests/api/test_payments_events.py", "tests/domain/test_payments.py"),
    ),
    "votes": Proof(
        "five hundred callers at once are counted exactly",
        ("tests/api/test_votes.py", "tests/domain/test_votes.py"),
    ),
    "wall": Proof(
        "a budget for 37 of a thousand requests at four APIs and four workers",
        ("tests/jobs/test_budget_wall.py",),
    ),
    "contract": Proof(
        "Schemathesis holds the API to its document, with four times the examples",
        ("tests/api/test_schemathesis.py",),
    ),
    "injections": Proof(
        "every hostile topic, page, fact and answer there is, from the request to the page",
        (
            "tests/security/test_injection.py",
            "tests/security/test_chat_injection.py",
            "tests/security/test_answer_markup.py",
            "tests/security/test_hidden_characters.py",
            "tests/e2e/test_markup.py",
        ),
    ),
    "markdown": Proof(
        "patches of a long answer are linear in its length",
        ("tests/web/test_markdown_diff.py",),
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
    proofs = {name: PROOFS[name] for name in names}
    pages = any("e2e" in path for proof in proofs.values() for path in proof.tests)
    with ready(holder, "tests", pages=pages) as (supervisor, environments):
        for name, proof in proofs.items():
            environment = environments["tests"] | {"PROOF": "1"}
            if proof.chromium:
                environment["CHROMIUM"] = proof.chromium
            part = start_tests(supervisor, name, environment, *proof.tests)
            follow([part])
            parts.append(part)
    return report(parts, chosen=False, took_s=time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
