"""Moves the limiter's counts and anomalies from Redis to Postgres.

Crash-safe: an entry is deleted from Redis only after it is stored, and storing it again changes
nothing.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.limits import LimitRepository

RETENTION_DAYS = 30
FALLBACK_RETENTION_S = 2 * 86_400
"""Longer than any window."""

BATCH = 500
MINUTES = "limits:minutes"
ANOMALIES = "limits:anomalies"


async def save_counts(redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> int:
    """Store the counts of the minutes that are over; returns the number of rows."""
    seconds, _ = await redis.time()
    current = seconds // 60 * 60
    minutes: Any = await redis.smembers(MINUTES)  # pyright: ignore[reportGeneralTypeIssues]
    saved = 0
    for minute in sorted(int(minute) for minute in minutes):
        if minute >= current:
            continue
        name = f"limits:minute:{minute}"
        counts: Any = await redis.hgetall(name)  # pyright: ignore[reportGeneralTypeIssues]
        rows = snapshots(minute, {field.decode(): int(n) for field, n in counts.items()})
        for first in range(0, len(rows), BATCH):
            async with sessions.begin() as session:
                await LimitRepository(session).put_snapshots(rows[first : first + BATCH])
        async with redis.pipeline(transaction=True) as deletion:
            deletion.delete(name)
            deletion.srem(MINUTES, minute)
            await deletion.execute()
        saved += len(rows)
    return saved


def snapshots(minute: int, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The rows of a minute.

    A field of `counts` is `policy|kind|caller's windows|network's windows|outcome`, where the
    outcome is `admitted`, `caller` or `network` with the number of the window that refused, or
    another reason for a refusal.
    """
    rows: dict[tuple[str, str, str], dict[str, int]] = defaultdict(
        lambda: {"admitted": 0, "refused": 0, "refused_by_network": 0}
    )
    for field, number in counts.items():
        policy, kind, own, network, outcome, *which = field.split("|")
        if outcome == "admitted":
            for window in (own or network).split(","):
                rows[policy, kind, window]["admitted"] += number
        elif not which:
            rows[policy, kind, outcome]["refused"] += number
        else:
            names = (network if outcome == "network" else own).split(",")
            row = rows[policy, kind, names[int(which[0]) - 1]]
            row["refused"] += number
            row["refused_by_network"] += number if outcome == "network" else 0
    at = datetime.fromtimestamp(minute, UTC)
    return [
        {"minute": at, "policy": policy, "caller_kind": kind, "window": window, **numbers}
        for (policy, kind, window), numbers in sorted(rows.items())
    ]


async def save_anomalies(redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> int:
    """Store the anomalies; returns how many."""
    counts: Any = await redis.hgetall(ANOMALIES)  # pyright: ignore[reportGeneralTypeIssues]
    names = list(counts)
    for first in range(0, len(names), BATCH):
        batch = names[first : first + BATCH]
        async with sessions.begin() as session:
            await LimitRepository(session).put_anomalies(
                [_anomaly(name.decode(), int(counts[name])) for name in batch]
            )
        await redis.hdel(ANOMALIES, *batch)  # pyright: ignore[reportGeneralTypeIssues]
    return len(names)


def _anomaly(name: str, seen: int) -> dict[str, Any]:
    kind, _, rest = name.partition("|")
    subject, _, microseconds = rest.rpartition("|")
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(microseconds))
    return {"kind": kind, "subject": subject, "observed": seen, "detected_at": at}


async def delete_old(sessions: async_sessionmaker[AsyncSession]) -> None:
    """Delete what is older than its retention."""
    async with sessions.begin() as session:
        await LimitRepository(session).delete_older_than(
            days=RETENTION_DAYS, uses_s=FALLBACK_RETENTION_S
        )
