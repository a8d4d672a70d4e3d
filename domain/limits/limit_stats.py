"""What the limiter counted and noticed, moved from Redis to where it is kept.

Each step may be the last one before a crash: what was written down is only then taken from
Redis, and written again it stays the same.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.limits import LimitRepository

KEPT_DAYS = 30
FALLBACK_USES_KEPT_S = 2 * 86_400
"""Longer than any window they are counted for."""

BATCH = 500
MINUTES = "limits:minutes"
ANOMALIES = "limits:anomalies"


async def keep_counts(redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> int:
    """Write down the counts of the minutes that are over; how many rows they were."""
    seconds, _ = await redis.time()
    current = seconds // 60 * 60
    waiting: Any = await redis.smembers(MINUTES)  # pyright: ignore[reportGeneralTypeIssues]
    kept = 0
    for minute in sorted(int(one) for one in waiting):
        if minute >= current:
            continue
        name = f"limits:minute:{minute}"
        counts: Any = await redis.hgetall(name)  # pyright: ignore[reportGeneralTypeIssues]
        rows = snapshots(minute, {field.decode(): int(n) for field, n in counts.items()})
        for first in range(0, len(rows), BATCH):
            async with sessions.begin() as session:
                await LimitRepository(session).put_snapshots(rows[first : first + BATCH])
        async with redis.pipeline(transaction=True) as done:
            done.delete(name)
            done.srem(MINUTES, minute)
            await done.execute()
        kept += len(rows)
    return kept


def snapshots(minute: int, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The rows of a minute, from the script's fields: policy, kind, the names of the caller's and
    of the network's windows, then `admitted`, whose window refused and which of them, or the
    reason of a refusal that no window made.
    """
    rows: dict[tuple[str, str, str], dict[str, int]] = defaultdict(
        lambda: {"admitted": 0, "refused": 0, "refused_by_network": 0}
    )
    for field, number in counts.items():
        policy, kind, own, network, who, *which = field.split("|")
        if who == "admitted":
            for window in (own or network).split(","):
                rows[policy, kind, window]["admitted"] += number
        elif not which:
            rows[policy, kind, who]["refused"] += number
        else:
            names = (network if who == "network" else own).split(",")
            row = rows[policy, kind, names[int(which[0]) - 1]]
            row["refused"] += number
            row["refused_by_network"] += number if who == "network" else 0
    at = datetime.fromtimestamp(minute, UTC)
    return [
        {"minute": at, "policy": policy, "caller_kind": kind, "window": window, **numbers}
        for (policy, kind, window), numbers in sorted(rows.items())
    ]


async def keep_anomalies(redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> int:
    """Write down what was noticed; how many there were."""
    noticed: Any = await redis.hgetall(ANOMALIES)  # pyright: ignore[reportGeneralTypeIssues]
    names = list(noticed)
    for first in range(0, len(names), BATCH):
        batch = names[first : first + BATCH]
        async with sessions.begin() as session:
            await LimitRepository(session).put_anomalies(
                [_anomaly(name.decode(), int(noticed[name])) for name in batch]
            )
        await redis.hdel(ANOMALIES, *batch)  # pyright: ignore[reportGeneralTypeIssues]
    return len(names)


def _anomaly(name: str, seen: int) -> dict[str, Any]:
    kind, _, rest = name.partition("|")
    subject, _, microseconds = rest.rpartition("|")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(microseconds))
    return {"kind": kind, "subject": subject, "observed": seen, "detected_at": at}


async def forget(sessions: async_sessionmaker[AsyncSession]) -> None:
    """Delete what is kept no longer."""
    async with sessions.begin() as session:
        await LimitRepository(session).forget_older_than(
            days=KEPT_DAYS, uses_s=FALLBACK_USES_KEPT_S
        )
