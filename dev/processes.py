"""Processes by what identifies them: number and start time, since a number alone is reused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dev import pdeathsig

MARK = "DEV_RUN_MARK"
"""Environment variable by which a run's processes are known when their leader is gone."""


@dataclass(frozen=True)
class Process:
    """A process that led its own session when it was started."""

    pid: int
    started: str
    mark: str = ""


def started_at(pid: int) -> str | None:
    """When the process started, in the system's own terms; None when it is gone or a zombie."""
    if sys.platform == "linux":
        fields = _stat(pid)
        return fields[19] if fields and fields[0] not in "ZX" else None
    told = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, started = told.stdout.strip().partition(" ")
    return started.strip() if started and not state.startswith("Z") else None


def command_of(pid: int) -> str:
    """The command line of a living process, as far as it may be read."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        pass
    if sys.platform == "linux":
        return ""
    told = subprocess.run(
        ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return told.stdout.strip()


def alive(process: Process) -> bool:
    return started_at(process.pid) == process.started


def spawn(
    command: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] | None,
    last_signal: signal.Signals = signal.SIGTERM,
    user: int | None = None,
    group: int | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in its own session, so that a Ctrl-C in the terminal does not reach it.

    On Linux it receives `last_signal` when this process dies, even of SIGKILL. Call it from
    the main thread: the kernel watches the thread that started the child, not the process.
    """
    identity = ["-" if number is None else str(number) for number in (user, group)]
    leashed = [
        sys.executable,
        "-I",
        "-S",
        pdeathsig.__file__,
        str(os.getpid()),
        str(int(last_signal)),
    ]
    return subprocess.Popen(
        [*leashed, *identity, *command],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end_with_starter() -> None:
    """Have this process receive SIGTERM when the one that started it dies (Linux)."""
    if sys.platform == "linux":
        pdeathsig.end_with_starter(signal.SIGTERM)


def until(condition: Callable[[], bool], *, within_s: float, every_s: float = 0.02) -> bool:
    """Poll until the condition holds; False when the time is over."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def stop(
    process: Process,
    *,
    first: signal.Signals = signal.SIGTERM,
    grace_s: float,
    unless: Callable[[], bool] = lambda: False,
) -> bool:
    """Ask a session to end, and end it after the grace, or at once when `unless` comes true.

    False when it had to be killed.
    """
    _signal_leader(process, first)
    until(lambda: not _members(process) or unless(), within_s=grace_s)
    polite = not _members(process)
    if not polite:
        for pid in _members(process):
            _signal(pid, signal.SIGKILL)
        until(lambda: not _members(process), within_s=5)
    return polite


def _members(process: Process) -> list[int]:
    """The living processes of the session `process` led.

    When the leader is gone, its number may have come to lead another session: then only
    processes that carry the run's mark in their environment count.
    """
    leads = alive(process)
    if sys.platform != "linux":
        return [process.pid] if leads else []
    if not leads and started_at(process.pid) is not None:
        return []
    members: list[int] = []
    for pid in (int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        fields = _stat(pid)
        in_session = fields and fields[3] == str(process.pid) and fields[0] not in "ZX"
        if in_session and (leads or _marked(pid, process.mark)):
            members.append(pid)
    return members


def _marked(pid: int, mark: str) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return bool(mark) and f"{MARK}={mark}".encode() in environment.split(b"\0")


def _signal_leader(process: Process, number: signal.Signals) -> None:
    if alive(process):
        _signal(process.pid, number)
    else:
        for pid in _members(process):
            _signal(pid, number)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _stat(pid: int) -> list[str] | None:
    """/proc/<pid>/stat after the name, so that [0] is the state, [3] the session."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
