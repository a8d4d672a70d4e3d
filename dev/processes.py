"""Starting processes, and ending them with all their descendants."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import psutil

from dev import pdeathsig

MARK = "DEV_STARTED_FOR"
"""Environment variable that names the state folder a process was started for."""
LEFTOVER_GRACE_S = 10


def spawn(
    command: list[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    stdout: int | IO[bytes],
    last_signal: signal.Signals = signal.SIGTERM,
    user: int | None = None,
    group: int | None = None,
) -> psutil.Popen:
    """Start a command in a session of its own, which a Ctrl-C in the terminal does not reach.

    On Linux it receives `last_signal` when this process dies, even of SIGKILL; call it from the
    main thread for that.
    """
    return psutil.Popen(
        pdeathsig.wrapped(*command, last_signal=last_signal, user=user, group=group),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def until(condition: Callable[[], bool], *, within_s: float, every_s: float = 0.02) -> bool:
    """Poll until the condition holds; False when the time is over."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def is_alive(process: psutil.Process) -> bool:
    """Whether the process runs: neither ended nor a zombie, nor another one with its number."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(
    *processes: psutil.Process,
    first: signal.Signals = signal.SIGTERM,
    grace_s: float,
    unless: Callable[[], bool] = lambda: False,
) -> bool:
    """Signal processes, and kill what is left of their trees after the grace.

    `unless` ends the grace early. False when something had to be killed.
    """
    trees = _trees(processes)
    _signal(processes, first)
    until(lambda: unless() or not any(map(is_alive, trees)), within_s=grace_s)
    remaining = [process for process in trees | _trees(processes) if is_alive(process)]
    _signal(remaining, signal.SIGKILL)
    until(lambda: not any(map(is_alive, remaining)), within_s=5)
    return not remaining


def end_leftovers(state: Path) -> None:
    """End what an earlier run started for this state folder, whichever way that run ended."""
    # Postgres takes SIGTERM as "when all clients have gone"; everything here ends on SIGINT.
    stop(*started_for(state), first=signal.SIGINT, grace_s=LEFTOVER_GRACE_S)


def started_for(state: Path) -> list[psutil.Process]:
    """The living processes that carry the folder's mark, without this one and its ancestors."""
    ours = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid not in ours and process.environ().get(MARK) == str(state):
                found.append(process)
    return found


def _trees(processes: Iterable[psutil.Process]) -> set[psutil.Process]:
    members: set[psutil.Process] = set()
    for process in processes:
        members.add(process)
        with suppress(psutil.NoSuchProcess):
            members.update(process.children(recursive=True))
    return members


def _signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
