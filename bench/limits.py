"""What the limiter decides in a second against bare `INCR`, and a feed without its headers.

granian --interface asgi --factory bench.limits:unlimited
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from uuid import uuid4

import uvloop
from litestar import Litestar
from litestar.types import ASGIApp
from redis.asyncio import Redis

import api.app
import api.middleware
from domain.caller import Caller
from domain.infra.redis import open_redis_for_limits
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from settings import Settings

CALLERS = 1_000
THREE_WINDOWS = "50/60,150/3600,200/86400"
ROUNDS, AT_ONCE, EACH = 9, 8, 200
"""Rounds, and the tasks of a round, each of which asks so many times, one after the other."""


def unlimited() -> Litestar:
    """The product's API, which neither limits reads nor says what is left."""

    def pass_on(app: ASGIApp) -> ASGIApp:
        return app

    api.middleware.RateLimitMiddleware = pass_on  # pyright: ignore[reportAttributeAccessIssue]
    return api.app.create_app()


@dataclass(frozen=True)
class Decisions:
    """A second's worth, on one core with the same client; medians over the rounds."""

    incr: float
    one_window: float
    """Votes: a visitor and their network with a window each."""
    three_windows: float
    """Generations: a visitor and their network with three windows each."""


def decide(redis_url: str) -> Decisions:
    """Each in its turn, for so many callers that all are admitted."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_decide(redis_url))


async def _decide(redis_url: str) -> Decisions:
    redis = open_redis_for_limits(redis_url)
    limiter = RateLimiter(redis, Policies(Settings(generate_limits=THREE_WINDOWS)))
    callers = cycle([Caller("visitor", uuid4(), f"net {n}") for n in range(CALLERS)])

    def hit(policy: str) -> Callable[[], Awaitable[object]]:
        return lambda: limiter.hit(policy, next(callers))

    turns = {
        "incr": lambda: redis.incr("bench:incr"),
        "one_window": hit("vote"),
        "three_windows": hit("generate"),
    }
    rates: dict[str, list[float]] = {name: [] for name in turns}
    try:
        await _per_s(turns["incr"])
        for _ in range(ROUNDS):
            for name, ask in turns.items():
                rates[name].append(await _per_s(ask))
    finally:
        await _forget(redis)
    return Decisions(**{name: median(seen) for name, seen in rates.items()})


async def _per_s(ask: Callable[[], Awaitable[object]]) -> float:
    async def many() -> None:
        for _ in range(EACH):
            await ask()

    began = time.perf_counter()
    await asyncio.gather(*(many() for _ in range(AT_ONCE)))
    return AT_ONCE * EACH / (time.perf_counter() - began)


async def _forget(redis: Redis) -> None:
    await redis.flushdb()
    await redis.aclose()
