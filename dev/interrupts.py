"""Ctrl-C, SIGTERM and a closed terminal all mean: stop what was started, then leave."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from dev.console import say

MEANING_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Somebody asked us to stop."""


def _raise(number: int, frame: FrameType | None) -> None:
    _ignore_more()
    raise Stop


def _ignore_more() -> None:
    for number in MEANING_STOP:
        signal.signal(number, _say_so)


def _say_so(number: int, frame: FrameType | None) -> None:
    say("\nStopping already; each part has its time to end.")


@contextmanager
def stoppable() -> Generator[None]:
    """Inside, the first such signal raises Stop; further ones must not break the stopping."""
    for number in MEANING_STOP:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        _ignore_more()
