"""A small load generator: HTTP/1.1 over kept-alive sockets, one request at a time on each."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import uvloop

from dev import ports

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
HEAD_END = b"\r\n\r\n"
PATIENCE_S = 20


@dataclass(frozen=True)
class Measured:
    """What one stretch of load saw."""

    per_s: float
    p50_ms: float
    p99_ms: float
    count: int
    failed: int
    """Refusals, and connections that broke off."""


class _Connection(asyncio.Protocol):
    def __init__(self, run: "_Run") -> None:
        self._run = run
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._run.requests))

    def data_received(self, data: bytes) -> None:
        self._answer = answer = self._answer + data if self._answer else data
        head = answer.find(HEAD_END)
        if head < 0:
            return
        length = LENGTH.search(answer, 0, head)
        if len(answer) < head + len(HEAD_END) + (int(length[1]) if length else 0):
            return
        now = time.perf_counter()
        self._run.took_s.append(now - self._asked)
        self._run.failed += answer[9:10] != b"2"
        self._answer = b""
        if now < self._run.until:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if time.perf_counter() < self._run.until:
            self._run.failed += 1
        self._run.open -= 1
        if not self._run.open:
            self._run.over.set()


class _Run:
    def __init__(self, requests: Iterator[bytes], connections: int, seconds: float) -> None:
        self.requests = requests
        self.took_s: list[float] = []
        self.failed = 0
        self.open = connections
        self.over = asyncio.Event()
        self.until = time.perf_counter() + seconds


async def _load(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Measured:
    loop = asyncio.get_running_loop()
    run = _Run(requests, connections, seconds)
    began = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(run), ports.LOOPBACK, port)
    async with asyncio.timeout(seconds + PATIENCE_S):
        await run.over.wait()
    took = time.perf_counter() - began
    ordered = sorted(run.took_s) or [float("nan")]
    return Measured(
        per_s=len(run.took_s) / took,
        p50_ms=ordered[len(ordered) // 2] * 1_000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1_000,
        count=len(run.took_s),
        failed=run.failed,
    )


def load(port: int, requests: Iterator[bytes], *, connections: int, seconds: float) -> Measured:
    """Ask as fast as answers come, on so many connections for so long."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_load(port, requests, connections, seconds))
