"""Ctrl-C, SIGTERM and a closed terminal all mean: stop what was started, then leave."""

import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

MEANING_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


SURELY_ANOTHER_S = 0.5
impatient = threading.Event()
"""Set when nobody wants to wait for work in progress any more."""

_first_at = [0.0]


class Stop(BaseException):
    """Somebody asked us to stop."""


def _raise(number: int, frame: FrameType | None) -> None:
    _first_at[0] = time.monotonic()
    _ignore_more()
    raise Stop


def _ignore_more() -> None:
    for number in MEANING_STOP:
        signal.signal(number, _second)


def _second(number: int, frame: FrameType | None) -> None:
    """Only a second Ctrl-C is impatience; make and the kernel pass on a SIGTERM twice."""
    if number == signal.SIGINT and time.monotonic() - _first_at[0] > SURELY_ANOTHER_S:
        impatient.set()


@contextmanager
def stoppable() -> Generator[None]:
    """Inside, the first such signal raises Stop; further ones must not break the stopping."""
    for number in MEANING_STOP:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        _ignore_more()
