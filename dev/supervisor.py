"""The processes a command started: watched, written down, and ended with it."""

import re
import secrets
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from dev.console import CommandError, Step, echo
from dev.environment import for_children
from dev.processes import MARK, Process, spawn, started_at, stop
from dev.shutdown import impatient
from dev.state import ROOT, StateFile

GRACE_S = {"worker": 90}
USUAL_GRACE_S = 10
LEFTOVER_GRACE_S = 3
ROUTINE = re.compile(r'\[(info|debug)\s*\]|"level": ?"(info|debug)"|\b(INFO|DEBUG)\b')
"""Lines of the log file that need not be on the console."""


@dataclass
class Child:
    name: str
    popen: subprocess.Popen[bytes]
    process: Process
    log: Path
    ends_by_itself: bool = False
    said: list[str] = field(default_factory=list[str])
    reader: threading.Thread | None = None

    def last_words(self) -> str:
        if self.reader:
            self.reader.join(timeout=2)
            return "".join(self.said)
        return self.log.read_text(errors="replace")[-3000:]


class Supervisor:
    """Every start is written down first thing, so that a run that was killed can be cleaned up."""

    def __init__(self, state: Path, memory: StateFile) -> None:
        self._state = state
        self._memory = memory
        self._mark = secrets.token_hex(8)
        self._children: list[Child] = []
        self.on_console = False
        """Whether lines that matter are shown as they come; they always go to the log."""

    def end_leftovers(self) -> None:
        """End what a killed run left: known by number, start time and mark, never by name."""
        known: list[tuple[int, str, str]] = self._memory.get("children") or []
        for pid, started, mark in known:
            stop(Process(pid, started, mark), grace_s=LEFTOVER_GRACE_S)
        self._memory.put(children=[])

    def start(
        self, name: str, command: list[str], values: dict[str, str], *, inherit: bool = False
    ) -> Child:
        """Start a program in the clone's folder; with `inherit` it writes to our own output."""
        log = self._state / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        popen = spawn(
            command,
            cwd=ROOT,
            env={**for_children(values), MARK: self._mark},
            stdout=None if inherit else subprocess.PIPE,
        )
        child = Child(name, popen, Process(popen.pid, started_at(popen.pid) or "", self._mark), log)
        self._children.append(child)
        self._write_down()
        if popen.stdout:
            child.reader = threading.Thread(target=self._read, args=(child, popen.stdout))
            child.reader.daemon = True
            child.reader.start()
        return child

    def adopt(self, name: str, popen: subprocess.Popen[bytes], log: Path) -> None:
        """Watch a server that is stopped elsewhere."""
        self._children.append(Child(name, popen, Process(popen.pid, ""), log))

    def finish(self, child: Child, current: Step | None = None) -> int:
        """Wait for a program that ends by itself; its progress goes into the step's detail."""
        child.ends_by_itself = True
        while child.popen.poll() is None:
            self.check()
            if current and child.said and (progress := _readable(child.said[-1])):
                current.note(progress)
            time.sleep(0.05)
        self._children.remove(child)
        self._write_down()
        return child.popen.returncode

    def do(self, name: str, command: list[str], values: dict[str, str], current: Step) -> None:
        """Run a program to its end, and raise with what it said when it fails."""
        child = self.start(name, command, values)
        if self.finish(child, current):
            echo()
            echo(child.last_words())
            raise CommandError(
                f"{current.title}: failed; what it said is above and in {child.log}."
            )

    def check(self) -> None:
        """Raise when something that should run has ended by itself."""
        for child in self._children:
            if not child.ends_by_itself and child.popen.poll() is not None:
                echo(f"\n{child.last_words()}")
                raise CommandError(
                    f"{child.name} ended by itself (exit code {child.popen.returncode}); its last "
                    f"words are above and in {child.log}."
                )

    def stop(self) -> None:
        """Stop what was started here, the last first."""
        while self._children:
            child = self._children.pop()
            if child.process.started:
                grace = GRACE_S.get(child.name, USUAL_GRACE_S)
                first = signal.SIGINT if child.name == "tests" else signal.SIGTERM
                if child.name == "worker" and child.popen.poll() is None:
                    echo("The worker finishes what it is at; Ctrl-C again does not wait for it.")
                unless = impatient.is_set
                if not stop(child.process, first=first, grace_s=grace, unless=unless):
                    echo(f"  ! {child.name} did not stop by itself and was killed")
                child.popen.wait()
            self._write_down()

    def _write_down(self) -> None:
        known = [child.process for child in self._children if child.process.started]
        self._memory.put(children=[[one.pid, one.started, one.mark] for one in known])

    def _read(self, child: Child, output: IO[bytes]) -> None:
        with child.log.open("w") as log:
            for raw in output:
                line = raw.decode(errors="replace")
                log.write(line)
                log.flush()
                child.said = [*child.said[-60:], line]
                if self.on_console and not ROUTINE.search(line):
                    echo(f"{child.name:>8} | {line.rstrip()}")


def _readable(line: str) -> str:
    """A line with a bar without the bar: `Compiling: ━━━ 40% 4/10` is `Compiling 4/10`."""
    bar = re.match(r"\s*([A-Z][\w ]+):.*\s(\d+/\d+)", line)
    return " ".join(bar.groups()) if bar else ""
