"""One command at a time on one state folder."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dev.console import CommandError, echo
from dev.processes import until
from dev.state import StateFile

A_MOMENT_S = 2
UNTIL_STOPPED_S = 60


@contextmanager
def locked(state: Path) -> Generator[StateFile]:
    """Hold the folder for this process, or say who has it; the kernel lets go when we die.

    Yields what the holder tells others: `pid`, `address`, and `stopping` while it ends.
    """
    memory = StateFile(state / "holder.json")
    with open(state / "holder.lock", "w") as lock:

        def ours() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not until(ours, within_s=A_MOMENT_S):
            if memory.get("stopping"):
                echo("  … Waiting for the previous run to stop")
            if not memory.get("stopping") or not until(ours, within_s=UNTIL_STOPPED_S):
                where = f" at {memory.get('address')}" if memory.get("address") else ""
                raise CommandError(
                    f"This clone is in use already{where} (process {memory.get('pid')}): "
                    "stop that one first."
                )
        memory.put(pid=os.getpid(), address=None, stopping=False)
        yield memory
