"""Waiting for a test to say go, and letting a test wait for the server."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes whoever waits for something to become true."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, true: Callable[[], bool]) -> None:
        while not true():
            await self._changed.wait()


class Gate:
    """Holds answers until it is opened. Opened too early, it lets the next one through."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._opened = asyncio.Event()
        self._free_passes = 0
        self.waiting = 0

    async def wait(self) -> None:
        if self._free_passes:
            self._free_passes -= 1
            return
        self.waiting += 1
        self._changes.tell()
        try:
            await self._opened.wait()
        finally:
            self.waiting -= 1

    def open(self) -> None:
        if not self.waiting:
            self._free_passes += 1
        self._opened.set()
        self._opened = asyncio.Event()

    def forget_passes(self) -> None:
        self._free_passes = 0
