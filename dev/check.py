"""The checks that read the code without running it: `make check`, or some of them by name."""

import subprocess
import sys

from dev.console import CommandError, echo, fail, step
from dev.environment import declared, for_children
from dev.state import ROOT

SPELLING_SKIPS = "./.*,./reflex.lock,./requirements.lock,./assets,*.json,*.svg"
CHECKS = {
    "Format": ["ruff", "format", "--check", "."],
    "Lint": ["ruff", "check", "."],
    "Types": ["pyright", "--pythonpath", sys.executable],
    "Layers": ["lint-imports"],
    "Spelling": ["codespell", "--skip", SPELLING_SKIPS],
    "Lock": ["python", "-m", "dev.lock"],
}


def failed_checks(*names: str) -> list[str]:
    """Run these checks, or all, show what the failing ones print, and answer their names."""
    values = {**for_children(declared()), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    failed: list[str] = []
    for name in names or CHECKS:
        try:
            with step(name):
                told = subprocess.run(
                    CHECKS[name],
                    cwd=ROOT,
                    env=values,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    text=True,
                    check=False,
                )
                if told.returncode:
                    raise CommandError(told.stdout)
        except CommandError as said:
            echo(f"{said}")
            failed.append(name)
    return failed


def main(names: list[str]) -> int:
    if failed := failed_checks(*names):
        return fail(CommandError(f"Failed: {', '.join(failed)}."))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
