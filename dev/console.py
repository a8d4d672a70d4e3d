"""One line per step, with the time it took, so that nothing long is silent."""

import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

PLAIN_REMINDER_S = 10
WIDTH = 78


class CommandError(Exception):
    """What stops a command, in one sentence that a developer can act on."""


def echo(text: str = "", *, end: str = "\n") -> None:
    """Print at once. A reader that went away (`make run | head`) must not stop the stopping."""
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(problem: CommandError) -> int:
    """Print the sentence where errors belong; the answer is the exit code."""
    print(f"\n{problem}", file=sys.stderr, flush=True)
    return 1


class Step:
    """A running step; `note` tells what it is doing just now."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.detail = ""
        self._started = time.monotonic()
        self._live = sys.stdout.isatty()

    def note(self, detail: str) -> None:
        if detail == self.detail:
            return
        self.detail = detail
        if not self._live:
            echo(f"      {detail}")

    def elapsed(self) -> str:
        seconds = time.monotonic() - self._started
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"

    def begin(self) -> None:
        echo(f"  … {self.title}", end="" if self._live else "\n")

    def show(self) -> None:
        """Redraw the line on a terminal; elsewhere add a line now and then."""
        if self._live:
            line = f"  … {self.title} {self.elapsed()}  {self.detail}"
            echo(f"\r\x1b[2K{line[:WIDTH]}", end="")
        else:
            echo(f"  … {self.title} ({self.elapsed()})")

    def end(self, mark: str) -> None:
        start_of_line = "\r\x1b[2K" if self._live else ""
        echo(f"{start_of_line}  {mark} {self.title} ({self.elapsed()})")

    @property
    def pause(self) -> float:
        return 0.2 if self._live else PLAIN_REMINDER_S


@contextmanager
def step(title: str) -> Generator[Step]:
    """Show `title` while the block runs, then whether it worked and how long it took."""
    current = Step(title)
    done = threading.Event()

    def keep_showing() -> None:
        while not done.wait(current.pause):
            current.show()

    current.begin()
    ticker = threading.Thread(target=keep_showing, daemon=True)
    ticker.start()
    mark = "✗"
    try:
        yield current
        mark = "✓"
    finally:
        done.set()
        ticker.join()
        current.end(mark)
