"""Ctrl-C, SIGTERM and a closed terminal: each means to stop what was started, then exit."""

import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REPEATED_WITHIN_S = 0.5
"""A signal that follows this soon is the same one: make, for example, forwards a SIGTERM."""

hurried = threading.Event()
"""Set by a second Ctrl-C: do not wait for work in progress."""


@contextmanager
def graceful() -> Generator[None]:
    """Inside, the first signal raises KeyboardInterrupt; later ones do not break the shutdown."""
    first_at = 0.0

    def first(number: int, frame: FrameType | None) -> None:
        nonlocal first_at
        first_at = time.monotonic()
        _handle_with(later)
        raise KeyboardInterrupt

    def later(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and time.monotonic() - first_at > REPEATED_WITHIN_S:
            hurried.set()

    _handle_with(first)
    try:
        yield
    finally:
        _handle_with(later)


def _handle_with(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in SIGNALS:
        signal.signal(number, handler)
