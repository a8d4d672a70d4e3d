"""Connections: SQLAlchemy sessions for writing, a plain asyncpg pool for the hot reads."""

import logging
from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from db.reads import Reads
from settings import Settings

ALIKE_WORDS = 0.33
"""Trigram similarity from which a searched word counts as a misspelt one: "octpous" is 0.38 like
"octopuses"; words that merely share a beginning are 0.3."""

READ_SETTINGS = {
    "default_transaction_read_only": "on",
    "jit": "off",
    # What is read all the time is in memory, where no place is far from another.
    "random_page_cost": "1.1",
    "pg_trgm.word_similarity_threshold": str(ALIKE_WORDS),
}
"""What Postgres is told about the connections of the hot reads."""

CONNECT_WITHIN_S = 10
READ_WITHIN_S = 10
WRITE_WITHIN_S = 30
"""Longer than any statement of ours takes; a database that went silent must not hold callers."""

IDLE_WITHIN_S = 10
"""A process frozen in the middle of a transaction must not keep others from what it locked."""


def _plain(url: str) -> str:
    """The address as asyncpg wants it."""
    return "postgresql://" + url.partition("://")[2]


def sqlalchemy_url(url: str) -> str:
    """The address as SQLAlchemy wants it."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


class Sessions(async_sessionmaker[AsyncSession]):
    """`sessions.begin()` makes one transaction of all that is done in it. In `sessions()` every
    statement is one of its own, which is all that reading needs and saves two round trips.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        super().__init__(reading, expire_on_commit=False)
        self._transactions = async_sessionmaker(engine, expire_on_commit=False)

    def begin(self):
        return self._transactions.begin()


@dataclass
class Database:
    """What a process holds open to Postgres; made by `open_database`, closed once."""

    engine: AsyncEngine
    sessions: Sessions
    reads: Reads
    """Read-only; its connections are handed on without a reset, which saves a round trip."""
    url: str

    async def close(self) -> None:
        await self.reads.close()
        await self.engine.dispose()


async def _keep(connection: Any) -> None:
    """Nothing to reset: these connections only ever run one read-only statement at a time."""


def _replace_dead(connection: Any, *_: Any) -> None:
    """A connection that was lost while it waited is not given out; asking it costs nothing."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


async def open_database(config: Settings) -> Database:
    """Open both ways to Postgres.

    Raises:
        OSError, asyncpg.PostgresError: The server cannot be reached or refuses.
    """
    if config.debug:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    engine = create_async_engine(
        sqlalchemy_url(config.database_url),
        pool_size=config.write_pool_size,
        # A connection beyond these would be opened and closed for a single use.
        max_overflow=0,
        pool_timeout=WRITE_WITHIN_S,
        # Parameters hold what people wrote; an error's words go to the log.
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_WITHIN_S,
            "command_timeout": WRITE_WITHIN_S,
            "server_settings": {"idle_in_transaction_session_timeout": f"{IDLE_WITHIN_S}s"},
        },
    )
    event.listen(engine.sync_engine, "checkout", _replace_dead)
    pool = await asyncpg.create_pool(
        _plain(config.database_url),
        min_size=1,
        max_size=config.read_pool_size,
        reset=_keep,
        timeout=CONNECT_WITHIN_S,
        command_timeout=READ_WITHIN_S,
        server_settings=READ_SETTINGS,
    )
    return Database(
        engine=engine,
        sessions=Sessions(engine),
        reads=Reads(pool),
        url=_plain(config.database_url),
    )


@cache
def head_revision() -> str | None:
    """The newest migration this code knows."""
    return ScriptDirectory("db/migrations").get_current_head()
