"""Readiness: whether Postgres and Redis can be written to and the migrations are applied."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError
from sqlalchemy import text

from db.session import Database, head_revision

TIMEOUT_S = 1
"""Of each check."""

STATES: dict[type[Exception], str] = {
    ReadOnlyError: "read-only",
    OutOfMemoryError: "full",
    BusyLoadingError: "loading",
}


@dataclass(frozen=True)
class Health:
    """The state of each dependency: "ok", "away", "read-only", for Redis "full" or "loading", for
    the migrations "behind".
    """

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
    revision, database_state, redis_state = await asyncio.gather(
        _with_timeout(_revision(database)),
        _with_timeout(_database_state(database)),
        _with_timeout(_redis_state(redis)),
    )
    return Health(
        database=database_state or "away",
        redis=redis_state or "away",
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


async def _database_state(database: Database) -> str:
    """Whether a transaction can be committed, as far as can be said without changing a row."""
    async with database.sessions.begin() as session:
        read_only = "pg_is_in_recovery() OR current_setting('transaction_read_only')::bool"
        if await session.scalar(text(f"SELECT {read_only}")):
            return "read-only"
        # A transaction with a number writes its end to the log, and waits for it.
        await session.execute(text("SELECT pg_current_xact_id()"))
    return "ok"


async def _redis_state(redis: Redis) -> str:
    try:
        await redis.set("health", 1, ex=TIMEOUT_S)
    except (ReadOnlyError, OutOfMemoryError, BusyLoadingError) as error:
        return STATES[type(error)]
    return "ok"
