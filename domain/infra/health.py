"""Readiness: whether Postgres and Redis answer and the migrations are applied."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass

from redis.asyncio import Redis
from sqlalchemy import text

from db.session import Database, head_revision

TIMEOUT_S = 1
"""Of each check."""


@dataclass(frozen=True)
class Health:
    """The state of each dependency: "ok", "away" or, for the migrations, "behind"."""

    database: str
    redis: str
    migrations: str

    @property
    def ready(self) -> bool:
        return not self.failing

    @property
    def failing(self) -> dict[str, str]:
        """The dependencies that are not "ok", with their states."""
        return {name: state for name, state in asdict(self).items() if state != "ok"}


async def check_health(database: Database, redis: Redis) -> Health:
    """Check both concurrently. Never raises."""
    revision, pong = await asyncio.gather(
        _with_timeout(_revision(database)), _with_timeout(_ping(redis))
    )
    return Health(
        database="away" if revision is None else "ok",
        redis="ok" if pong else "away",
        migrations="away" if revision is None else _migration_state(revision),
    )


def _migration_state(revision: str) -> str:
    return "ok" if revision == head_revision() else "behind"


async def _with_timeout(check: Awaitable[str]) -> str | None:
    """The result of a check; None if it fails for any reason or takes too long."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await check
    except Exception:
        return None


async def _revision(database: Database) -> str:
    """The last migration applied; empty before the first."""
    async with database.engine.connect() as connection:
        if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return ""
        return await connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


async def _ping(redis: Redis) -> str:
    await redis.execute_command("PING")
    return "ok"
