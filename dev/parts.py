"""The parts of a test run, side by side: pytest processes and the checks, on one console."""

import json
import re
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.console import echo
from dev.state import TEST_STATE
from dev.supervisor import Child, Supervisor

REPORT = re.compile(r"=+ (ERRORS|FAILURES|warnings summary|short test summary info|.* in [\d.]+s)")
"""Where pytest's progress ends and its report begins."""
ROUTINE = re.compile(r"$|=+ test session starts|  … |      ")
"""Lines that say nothing while all goes well."""
LAST_LINES = 60
NO_TEST_RAN = 5
POLL_S = 0.2


@dataclass
class Part:
    """One process of the run. Its progress is shown as it comes, its report when it has ended."""

    name: str
    child: Child
    outcomes: Path | None = None
    """The file that a pytest process leaves behind when it has come to its end."""
    code: int | None = None
    passed: int = 0
    failed: list[str] = field(default_factory=list[str])
    _read: int = 0
    _lines: list[str] = field(default_factory=list[str])
    _report_at: int | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it came to its end: a pytest process that crashed leaves no outcomes."""
        return self.outcomes is None or self.outcomes.exists()

    def follow(self) -> None:
        """Show the lines that have been written since the last time."""
        with self.child.log.open(errors="replace") as log:
            log.seek(self._read)
            while (line := log.readline()).endswith("\n"):
                self._read = log.tell()
                self._lines.append(line.rstrip())
                if self.outcomes and self._report_at is None and REPORT.match(line):
                    self._report_at = len(self._lines) - 1
                if self._report_at is None and not ROUTINE.match(line):
                    echo(f"{self.name:>8} | {self._lines[-1]}")

    def end(self, code: int) -> None:
        """Show the report of a part that has ended, and keep what became of its tests."""
        self.follow()
        self.code = code
        if self.outcomes and self.is_complete:
            outcomes: dict[str, Any] = json.loads(self.outcomes.read_text())
            self.passed, self.failed = outcomes["passed"], outcomes["failed"]
            echo("\n" + "\n".join(self._lines[self._report_at :]) + "\n")
        elif code:
            echo("\n" + "\n".join(self._lines[-LAST_LINES:]))
            echo(f"{self.name} ended with exit code {code}; all it wrote is in {self.child.log}.\n")


def start_checks(supervisor: Supervisor, values: dict[str, str], *names: str) -> Part:
    line = shlex.join(["python", "-m", "dev.check", *names])
    return Part("checks", supervisor.start("checks", values, line=line))


def start_tests(supervisor: Supervisor, name: str, values: dict[str, str], *arguments: str) -> Part:
    """Start a pytest process with these arguments."""
    outcomes = TEST_STATE / f"outcomes-{name}.json"
    outcomes.unlink(missing_ok=True)
    own = ["-p", "dev.outcomes", "--outcomes", str(outcomes), "-o", f"cache_dir=.dev/cache-{name}"]
    line = shlex.join(["python", "-m", "pytest", "--no-header", *own, *arguments])
    child = supervisor.start(f"tests-{name}", values, line=line)
    return Part(name, child, outcomes)


def follow(parts: list[Part]) -> None:
    """Show what the parts write until all of them have ended."""
    running = list(parts)
    while running:
        for part in list(running):
            code = part.child.poll()
            part.follow()
            if code is not None:
                part.end(code)
                running.remove(part)
        time.sleep(POLL_S)
