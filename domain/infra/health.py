"""Whether what the site needs is there."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass

from redis.asyncio import Redis
from sqlalchemy import text

from db.session import Database, head_revision

LOOK_AT_MOST_S = 1


@dataclass(frozen=True)
class Health:
    """Each is "ok", "away" or, for the tables, "behind"."""

    database: str
    redis: str
    migrations: str

    @property
    def ready(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> dict[str, str]:
        """What is not "ok", and how it is."""
        return {name: word for name, word in asdict(self).items() if word != "ok"}


async def look(database: Database, redis: Redis) -> Health:
    """Ask Postgres and Redis, each for a second at most."""
    revision, answered = await asyncio.gather(_within(_revision(database)), _within(_ping(redis)))
    return Health(
        database="away" if revision is None else "ok",
        redis="ok" if answered else "away",
        migrations="away" if revision is None else _compare(revision),
    )


def _compare(revision: str) -> str:
    return "ok" if revision == head_revision() else "behind"


async def _within(asked: Awaitable[str]) -> str | None:
    try:
        async with asyncio.timeout(LOOK_AT_MOST_S):
            return await asked
    except Exception:  # Whatever is wrong, a probe has to say so and not fail itself.
        return None


async def _revision(database: Database) -> str:
    """The migration the tables are at; empty before the first."""
    async with database.engine.connect() as connection:
        if await connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return ""
        return await connection.scalar(text("SELECT version_num FROM alembic_version")) or ""


async def _ping(redis: Redis) -> str:
    await redis.execute_command("PING")
    return "ok"
