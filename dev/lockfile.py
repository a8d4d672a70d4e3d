"""One command at a time for one state folder."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dev.console import CommandError, echo
from dev.processes import end_leftovers, until
from dev.state import StateFile

PATIENCE_S = 2
PATIENCE_WHILE_STOPPING_S = 60


@contextmanager
def locked(state: Path) -> Generator[StateFile]:
    """Hold the folder's lock, and end what was started for the folder before and within.

    The kernel releases the lock when this process dies. Yields what other commands read about its
    holder: `pid`, `address`, and `stopping`.

    Raises:
        CommandError: Another command holds it; the message names its address and process.
    """
    holder = StateFile(state / "holder.json")
    with open(state / "holder.lock", "w") as lock:

        def acquired() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        held = until(acquired, within_s=PATIENCE_S)
        if not held and holder.get("stopping"):
            echo("  … Waiting for the previous run to stop")
            held = until(acquired, within_s=PATIENCE_WHILE_STOPPING_S)
        if not held:
            where = f" at {holder.get('address')}" if holder.get("address") else ""
            raise CommandError(
                f"This clone is in use already{where} (process {holder.get('pid')}): "
                "stop that one first."
            )
        holder.put(pid=os.getpid(), address=None, stopping=False)
        end_leftovers(state)
        try:
            yield holder
        finally:
            end_leftovers(state)
