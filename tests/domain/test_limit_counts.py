"""What limits counted and noticed is kept: nothing lost, nothing twice, nothing for ever."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from db.models import Anomaly, FallbackUse, RateLimitSnapshot
from domain.caller import SCHEDULER, Caller
from domain.errors import RateLimited
from domain.limits import limit_stats
from domain.limits.anomalies import THRESHOLDS, Anomalies
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from settings import Settings
from tests.limits import MINUTE, end_the_minute


@pytest.fixture
def limiter(redis: Redis) -> RateLimiter:
    return RateLimiter(redis, Policies(Settings()))


def visitor(network: str = "net", visitor_id: UUID | None = None) -> Caller:
    return Caller("visitor", visitor_id or uuid4(), network)


async def hit(limiter: RateLimiter, caller: Caller, times: int = 1, policy="generate") -> None:
    for _ in range(times):
        with suppress(RateLimited):
            await limiter.hit(policy, caller)


async def rows(database, table: Any) -> list[Any]:
    async with database.sessions() as session:
        return list((await session.scalars(select(table))).all())


async def counted(database) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    return {
        (one.policy, one.caller_kind, one.window): (
            one.admitted,
            one.refused,
            one.refused_by_network,
        )
        for one in await rows(database, RateLimitSnapshot)
    }


EXPECTED = {
    ("generate", "visitor", "minute"): (1, 3, 2),
    ("generate", "visitor", "hour"): (1, 0, 0),
    ("generate", "visitor", "day"): (1, 0, 0),
    ("vote", "key", "minute"): (2, 0, 0),
    ("generate", "visitor", "captcha"): (0, 2, 0),
    ("generate", "visitor", "captcha_away"): (0, 1, 0),
    ("generate", "scheduler", "budget"): (0, 1, 0),
}


@pytest.fixture
async def busy(limiter, redis):
    """An hour ago: one generation, a refusal of its visitor and two of their network, two votes,
    and four refusals that no window made.
    """
    await hit(limiter, visitor("a"))
    caller = visitor("b")
    await hit(limiter, caller)
    await redis.delete(*await redis.keys(f"{MINUTE}*"), limit_stats.MINUTES)
    await hit(limiter, visitor("c"))
    await hit(limiter, Caller("visitor", caller.id, "elsewhere"))
    await hit(limiter, visitor("a"), 2)
    await hit(limiter, Caller("key", uuid4(), "a"), 2, policy="vote")
    for reason in ("captcha", "captcha_away", "captcha"):
        await limiter.count_refusal("generate", visitor(), reason)
    await limiter.count_refusal("generate", SCHEDULER, "budget")
    await end_the_minute(redis)


async def test_admissions_and_refusals_are_kept_by_policy_kind_window_and_reason(
    busy, redis, database
):
    await limit_stats.save_counts(redis, database.sessions)

    assert await counted(database) == EXPECTED
    assert not await redis.exists(limit_stats.MINUTES)


@pytest.mark.parametrize("dies_at", ["hgetall", "pipeline"])
async def test_nothing_is_lost_or_doubled_by_a_job_that_dies(
    busy, redis, database, monkeypatch, dies_at
):
    """Before the counts are written, and after they are but before Redis forgets them."""

    def die(*_: Any, **__: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(redis, dies_at, die)
        with pytest.raises(ConnectionError):
            await limit_stats.save_counts(redis, database.sessions)

    await limit_stats.save_counts(redis, database.sessions)

    assert await counted(database) == EXPECTED


async def test_two_jobs_at_once_count_once(busy, redis, database):
    await asyncio.gather(*(limit_stats.save_counts(redis, database.sessions) for _ in range(2)))

    assert await counted(database) == EXPECTED


async def test_the_minute_under_way_is_left_to_itself(limiter, redis, database):
    await hit(limiter, visitor())

    kept = await limit_stats.save_counts(redis, database.sessions)

    # Unless it ended just now.
    assert kept in (0, 3)
    assert len(await redis.keys(f"{MINUTE}*")) == (1 if kept == 0 else 0)


async def test_what_is_older_than_thirty_days_goes(database):
    now = datetime.now(UTC)
    zeros = {"admitted": 0, "refused": 0, "refused_by_network": 0}
    place = {"policy": "read", "caller_kind": "visitor", "window": "minute"}
    async with database.sessions.begin() as session:
        for age in (timedelta(days=31), timedelta(days=29)):
            session.add(RateLimitSnapshot(minute=now - age, **place, **zeros))
            session.add(Anomaly(kind="refusals", subject="net", observed=1, detected_at=now - age))
            session.add(FallbackUse(subject="vote net", used_at=now - age))

    await limit_stats.delete_old(database.sessions)

    assert len(await rows(database, RateLimitSnapshot)) == 1
    assert len(await rows(database, Anomaly)) == 1
    assert await rows(database, FallbackUse) == []


async def identities(limiter: RateLimiter) -> Caller:
    for _ in range(THRESHOLDS["IDENTITIES"]):
        await hit(limiter, visitor("net"))
    return visitor("net")


async def networks(limiter: RateLimiter) -> Caller:
    caller = visitor()
    for number in range(THRESHOLDS["NETWORKS"]):
        await hit(limiter, Caller("visitor", caller.id, f"net {number}"))
    return Caller("visitor", caller.id, "another")


async def refusals(limiter: RateLimiter) -> Caller:
    caller = visitor()
    await hit(limiter, caller, THRESHOLDS["REFUSALS_OF_ONE"] + 1)
    return caller


@pytest.mark.parametrize("strange", [identities, networks, refusals])
async def test_something_strange_is_noticed_for_a_while_and_kept_once(
    limiter, redis, database, strange
):
    anomalies = Anomalies(redis)

    caller = await strange(limiter)

    assert await anomalies.suspicious(caller)
    assert not await anomalies.suspicious(visitor("innocent"))
    assert {key: 0 < await redis.ttl(key) <= 3_600 for key in await redis.keys("suspicious:*")}
    noticed = await redis.hgetall(limit_stats.ANOMALIES)
    await limit_stats.save_anomalies(redis, database.sessions)
    # As if the job had died before Redis forgot them.
    await redis.hset(limit_stats.ANOMALIES, mapping=noticed)
    await limit_stats.save_anomalies(redis, database.sessions)
    (kept,) = await rows(database, Anomaly)
    assert kept.kind == strange.__name__
    assert kept.subject in (str(caller.id), caller.network)
    assert not await redis.exists(limit_stats.ANOMALIES)


async def test_the_usual_is_not_strange(limiter, redis):
    caller = visitor("net")
    await hit(limiter, caller, 20, policy="vote")
    await hit(limiter, caller, THRESHOLDS["REFUSALS_OF_ONE"])
    for _ in range(THRESHOLDS["IDENTITIES"] - 6):
        await hit(limiter, visitor("net"))

    assert not await Anomalies(redis).suspicious(caller)


async def test_redis_keeps_a_bounded_number_of_what_it_noticed(limiter, redis: Any):
    most = THRESHOLDS["ANOMALIES_AT_MOST"]
    await redis.hset(limit_stats.ANOMALIES, mapping={f"x|{one}|1": 1 for one in range(most)})

    caller = await refusals(limiter)

    assert await redis.hlen(limit_stats.ANOMALIES) == most
    assert await Anomalies(redis).suspicious(caller)
    assert all(
        [
            await redis.ttl(key) > 0
            for key in await redis.keys("*:*")
            if await redis.type(key) != b"hash"
        ]
    )
