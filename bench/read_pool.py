"""Reads a second through `db.reads.Reads` against asyncpg's own pool with a no-op reset."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
import uvloop

from db.reads import Reads
from db.repositories.factoids import PageShape, page_statement
from db.session import READ_SETTINGS

CONNECTIONS, AT_ONCE, EACH, ROUNDS = 8, 24, 40, 9
"""Connections of each pool; readers at once, each of which reads so often; and rounds."""

PAGE = page_statement(PageShape("new", 21))


@dataclass(frozen=True)
class PoolRates:
    """Pages of the feed read in a second; medians over the rounds."""

    asyncpg: float
    ours: float


def compare(database_url: str) -> PoolRates:
    """Both in turn in every round, with the statement of a feed page."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_compare(database_url))


async def _compare(url: str) -> PoolRates:
    pools = [await _open_pool(url) for _ in range(2)]
    reads = Reads(pools[1])
    fetches = {"asyncpg": pools[0].fetch, "ours": reads.fetch}
    rates: dict[str, list[float]] = {name: [] for name in fetches}
    for number in range(ROUNDS + 1):
        for name, fetch in fetches.items():
            rate = await _reads_per_s(fetch)
            # The first round opens connections and prepares the statement.
            if number:
                rates[name].append(rate)
    await pools[0].close()
    await reads.close()
    return PoolRates(**{name: median(measured) for name, measured in rates.items()})


async def _open_pool(url: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        url, min_size=1, max_size=CONNECTIONS, reset=_no_reset, server_settings=READ_SETTINGS
    )


async def _reads_per_s(fetch: Callable[..., Awaitable[Any]]) -> float:
    async def read() -> None:
        for _ in range(EACH):
            await fetch(PAGE.sql, *PAGE.arguments({}))

    began = time.perf_counter()
    await asyncio.gather(*(read() for _ in range(AT_ONCE)))
    return AT_ONCE * EACH / (time.perf_counter() - began)


async def _no_reset(connection: Any) -> None:
    """asyncpg's own reset costs a round trip."""
