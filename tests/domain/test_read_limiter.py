"""Permits to read are fetched a few at a time, and nobody waits for others longer than they do."""

import asyncio

import pytest

from domain.caller import Caller
from domain.errors import RateLimited
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.limits.read_limiter import ReadLimiter
from domain.limits.states import collect_decisions
from settings import Settings

CALLER = Caller("visitor", None, "net")
AT_ONCE = 30


def permits(redis, limit: int) -> ReadLimiter:
    return ReadLimiter(RateLimiter(redis, Policies(Settings(read_limits=f"{limit}/60"))))


async def use_up_what_is_held(reads: ReadLimiter) -> None:
    """Read on until a good many are fetched each time, and stop where there is none at hand."""
    for _ in range(300):
        if not reads.try_cached(CALLER):
            await reads.acquire(CALLER)
    while reads.try_cached(CALLER):
        pass


async def test_all_who_waited_for_permits_go_on_together(redis):
    reads = permits(redis, 100_000)
    await use_up_what_is_held(reads)
    turns = 0
    done_in: list[int] = []

    async def read() -> None:
        await reads.acquire(CALLER)
        done_in.append(turns)

    waiting = [asyncio.create_task(read()) for _ in range(AT_ONCE)]
    while not all(one.done() for one in waiting):
        await asyncio.sleep(0)
        turns += 1

    # In turns, as with a lock, it would be one after the other.
    assert max(done_in) - min(done_in) <= 2


async def test_who_waited_in_vain_is_told_what_is_left(redis):
    reads = permits(redis, 5)

    async def read() -> tuple[bool, int]:
        with collect_decisions() as states:
            try:
                state = await reads.acquire(CALLER)
            except RateLimited:
                return False, states[-1].windows[0].remaining
        assert state
        return True, state.windows[0].remaining

    told = await asyncio.gather(*(read() for _ in range(AT_ONCE)))

    assert sorted(left for admitted, left in told if admitted) == [0, 1, 2, 3, 4]
    assert [left for admitted, left in told if not admitted] == [0] * (AT_ONCE - 5)


async def test_one_who_leaves_while_fetching_keeps_nobody_waiting(redis):
    reads = permits(redis, 100_000)
    readers = [asyncio.create_task(reads.acquire(CALLER)) for _ in range(3)]
    await asyncio.sleep(0)
    readers[0].cancel()

    assert all(await asyncio.gather(*readers[1:]))
    with pytest.raises(asyncio.CancelledError):
        await readers[0]
    assert reads.try_cached(CALLER) or await reads.acquire(CALLER)
