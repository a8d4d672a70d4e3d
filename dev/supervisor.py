"""Runs lines of the Procfiles: Honcho starts and reads them; here they are watched and stopped.

Honcho's own manager does not do (ADR 23): it kills what runs five seconds after the first process
has ended, and when it is killed itself its processes run on.
"""

import os
import re
import shlex
import signal
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import psutil
from honcho.colour import get_colours
from honcho.printer import Message, Printer
from honcho.process import Process

from dev import pdeathsig, procfile, shutdown
from dev.console import CommandError, echo, step
from dev.environment import for_children
from dev.processes import MARK, is_alive, stop
from dev.state import ROOT

READY_WITHIN_S = 120
GRACE_S = {"worker": 90, "tests": 60}
DEFAULT_GRACE_S = 10
ROUTINE = re.compile(r'\[(info|debug)\s*\]|"level": ?"(info|debug)"|\b(INFO|DEBUG)\b')
"""Lines that are in the log file only."""


class Child:
    """A started process. Honcho's `Process` reports to it, in a thread of its own."""

    def __init__(self, name: str, log: Path, show: Callable[[Message], None]) -> None:
        self.name = name
        self.log = log
        self.process: psutil.Process
        self.lines: deque[str] = deque(maxlen=60)
        self.started = Event()
        self._ended = Event()
        self._returncode: int | None = None
        self._show = show
        self._file = log.open("wb", buffering=0)

    def put(self, message: Message) -> None:
        """Receive a message of Honcho's: `start` with the process id, `line`, or `stop`."""
        if message.type == "start":
            self.process = psutil.Process(message.data["pid"])
            self.started.set()
        elif message.type == "line":
            self._file.write(message.data)
            self.lines.append(message.data.decode(errors="replace"))
            self._show(message)
        else:
            self._file.close()
            self._returncode = message.data["returncode"]
            self._ended.set()

    def poll(self) -> int | None:
        """The exit code; None while the process runs."""
        if not self._ended.is_set():
            if is_alive(self.process):
                return None
            # A descendant that keeps the output open would keep Honcho reading.
            with suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._ended.wait(5)
        return self._returncode


class Supervisor:
    """The processes of one state folder; their output is in its folder `log`."""

    def __init__(self, state: Path, also_check: Callable[[], None] = lambda: None) -> None:
        """`also_check` raises when something has ended that was started elsewhere."""
        self._state = state
        self._also_check = also_check
        self._children: list[Child] = []
        self._printer = Printer(width=8)
        self._colours = get_colours()
        self.shows_warnings = False
        """Whether lines that are not routine are printed as they come."""

    def start(self, name: str, values: dict[str, str], *, line: str | None = None) -> Child:
        """Start a command line in the clone's folder: the one of a Procfile if none is given."""

        def show(message: Message) -> None:
            if self.shows_warnings and not ROUTINE.search(child.lines[-1]):
                with suppress(OSError):  # The reader of the console may be gone.
                    self._printer.write(message)

        log = self._state / "log" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        child = Child(name, log, show)
        process = Process(
            f"exec {shlex.join(pdeathsig.wrapped())} {line or procfile.lines()[name]} < /dev/null",
            name=name,
            colour=next(self._colours),
            env={**for_children(values), MARK: str(self._state)},
            cwd=ROOT,
        )
        Thread(target=process.run, args=(child,), daemon=True).start()
        child.started.wait()
        self._children.append(child)
        return child

    def finish(self, child: Child) -> int:
        """Wait for a process that ends by itself; answers its exit code."""
        self._children.remove(child)
        try:
            while (code := child.poll()) is None:
                self.check()
                time.sleep(0.05)
        except BaseException:
            self._children.append(child)
            raise
        return code

    def run(self, name: str, values: dict[str, str], title: str) -> None:
        """Run a process to its end.

        Raises:
            CommandError: It failed; its output has been printed.
        """
        with step(title):
            child = self.start(name, values)
            if self.finish(child):
                echo("\n" + "".join(child.lines))
                raise CommandError(f"{title}: failed; its output is above and in {child.log}.")

    def check(self) -> None:
        """Raise CommandError when something that should run has ended."""
        self._also_check()
        for child in self._children:
            if (code := child.poll()) is not None:
                echo("\n" + "".join(child.lines))
                raise CommandError(
                    f"{child.name} ended by itself (exit code {code}); its last lines are above "
                    f"and in {child.log}."
                )

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition while everything runs.

        Raises:
            CommandError: The time is over, or something has ended.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        while not condition():
            self.check()
            if time.monotonic() > deadline:
                raise CommandError(f"{what} was not ready in {READY_WITHIN_S} s; see .dev/log.")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop everything, the last started first."""
        while self._children:
            child = self._children.pop()
            if child.poll() is not None:
                continue
            if child.name == "worker":
                echo("The worker finishes its jobs; press Ctrl-C again not to wait for it.")
            grace_s = GRACE_S.get(child.name.partition("-")[0], DEFAULT_GRACE_S)
            first = signal.SIGINT if child.name.startswith("tests") else signal.SIGTERM
            unless = shutdown.hurried.is_set
            if not stop(child.process, first=first, grace_s=grace_s, unless=unless):
                echo(f"  ! {child.name} did not stop in time and was killed")
