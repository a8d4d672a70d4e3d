"""The connections of the hot reads are handed on, and replaced when something goes wrong."""

import asyncio
from collections.abc import AsyncGenerator

import asyncpg
import pytest

from db.reads import Reads

CONNECTIONS = 2


@pytest.fixture
async def reads(database) -> AsyncGenerator[Reads]:
    pool = await asyncpg.create_pool(database.url, min_size=0, max_size=CONNECTIONS)
    made = Reads(pool)
    yield made
    await made.close()


async def backend(reads: Reads) -> int:
    return await reads.fetchval("SELECT pg_backend_pid()")


async def test_readers_share_the_connections_there_are(reads):
    backends = await asyncio.gather(*(backend(reads) for _ in range(40)))

    assert len(set(backends)) <= CONNECTIONS


async def test_who_reads_alone_keeps_to_one_connection(reads):
    assert len({await backend(reads) for _ in range(10)}) == 1


@pytest.mark.parametrize("wrong", ["SELECT 1 / 0", "SELECT no_such_column", "SELECT $1::uuid"])
async def test_after_an_error_others_read_on(reads, wrong):
    for _ in range(3 * CONNECTIONS):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
            await reads.fetch(wrong)

    assert await reads.fetchval("SELECT 1") == 1


async def test_a_reader_who_leaves_in_the_middle_leaves_a_connection_for_the_next(reads):
    for _ in range(3 * CONNECTIONS):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await reads.fetch("SELECT pg_sleep(60)")

    assert await asyncio.gather(*(reads.fetchval("SELECT 1") for _ in range(10))) == [1] * 10


async def test_a_connection_that_was_lost_is_replaced(reads, database):
    lost = await backend(reads)
    async with database.engine.connect() as elsewhere:
        await elsewhere.exec_driver_sql(f"SELECT pg_terminate_backend({lost}, 5000)")

    assert await backend(reads) != lost


async def test_readers_are_served_in_the_order_in_which_they_came(database):
    """On a single connection, where the order of the ends is that of the beginnings."""
    reads = Reads(await asyncpg.create_pool(database.url, min_size=0, max_size=1))
    order: list[str] = []

    async def read(name: str, *, again: bool) -> None:
        await reads.fetchval("SELECT 1")
        order.append(name)
        if again:
            # As a client does that follows a list; others have waited longer.
            await read(f"{name}, again", again=False)

    names = [f"reader {number}" for number in range(6)]
    await asyncio.gather(*(read(name, again=True) for name in names))
    await reads.close()

    assert order == names + [f"{name}, again" for name in names]


async def test_one_who_leaves_as_their_turn_comes_hands_it_on(reads):
    readers = [asyncio.create_task(backend(reads)) for _ in range(3 * CONNECTIONS)]
    first = asyncio.wait(readers[:CONNECTIONS], return_when=asyncio.FIRST_COMPLETED)
    await first
    # The turn was given to the next ones, who have not been woken yet.
    for left in readers[CONNECTIONS : 2 * CONNECTIONS]:
        left.cancel()

    assert all(await asyncio.gather(*readers[:CONNECTIONS], *readers[2 * CONNECTIONS :]))
    assert all(await asyncio.gather(*(backend(reads) for _ in range(3 * CONNECTIONS))))


async def test_closing_waits_for_those_who_read(reads):
    reading = asyncio.create_task(reads.fetchval("SELECT 1 FROM pg_sleep(0.2)"))
    await asyncio.sleep(0)
    await reads.close()

    assert reading.done()
    assert await reading == 1
    with pytest.raises(asyncpg.InterfaceError):
        await reads.fetchval("SELECT 1")
