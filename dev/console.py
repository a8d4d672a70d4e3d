"""Output of commands: one line per step with its time, so that nothing long is silent."""

import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

REDRAW_S = 0.2
REPEAT_S = 10
"""How often a running step is printed again where a line cannot be redrawn."""


class CommandError(Exception):
    """What stops a command, in one sentence that a developer can act on."""


def echo(text: str = "", *, end: str = "\n") -> None:
    """Print at once. A reader that is gone (`make run | head`) must not break the shutdown."""
    try:
        print(text, end=end, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(error: CommandError) -> int:
    """Print the error to stderr and answer the exit code."""
    print(f"\n{error}", file=sys.stderr, flush=True)
    return 1


@contextmanager
def step(title: str) -> Generator[None]:
    """Show `title` and the time while the block runs, then whether it worked."""
    started = time.monotonic()
    done = threading.Event()
    redraws = sys.stdout.isatty()

    def show(mark: str) -> None:
        line = f"  {mark} {title} ({time.monotonic() - started:.1f} s)"
        echo(f"\r\x1b[2K{line}" if redraws else line, end="" if redraws and mark == "…" else "\n")

    def keep_showing() -> None:
        show("…")
        while not done.wait(REDRAW_S if redraws else REPEAT_S):
            show("…")

    ticker = threading.Thread(target=keep_showing, daemon=True)
    ticker.start()
    mark = "✗"
    try:
        yield
        mark = "✓"
    finally:
        done.set()
        ticker.join()
        show(mark)
