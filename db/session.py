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

SIMILAR_WORDS_AT_LEAST = 0.33
"""Trigram similarity from which a searched word counts as a misspelt one: "octpous" is 0.38 like
"octopuses"; words that merely share a beginning are 0.3."""

READ_SETTINGS = {
    "default_transaction_read_only": "on",
    "jit": "off",
    # The hot data is in memory, where random access costs little more than sequential.
    "random_page_cost": "1.1",
    "pg_trgm.word_similarity_threshold": str(SIMILAR_WORDS_AT_LEAST),
}
"""Server settings of the connections of the hot reads."""

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 10
WRITE_TIMEOUT_S = 30
"""Longer than any of our statements takes; an unresponsive database must not block callers."""

IDLE_TRANSACTION_TIMEOUT_S = 10
"""A process that stops in the middle of a transaction must not keep its locks."""


def _plain(url: str) -> str:
    """The URL in the form asyncpg takes."""
    return "postgresql://" + url.partition("://")[2]


def sqlalchemy_url(url: str) -> str:
    """The address as SQLAlchemy wants it."""
    return "postgresql+asyncpg://" + url.partition("://")[2]


class Sessions(async_sessionmaker[AsyncSession]):
    """`sessions.begin()` opens a transaction. In `sessions()` every statement commits on its own,
    which suffices for reads and saves two round trips.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        super().__init__(reading, expire_on_commit=False)
        self._transactions = async_sessionmaker(engine, expire_on_commit=False)

    def begin(self):
        return self._transactions.begin()


@dataclass
class Database:
    """A process's connections to Postgres, opened by `open_database`."""

    engine: AsyncEngine
    sessions: Sessions
    reads: Reads
    """Read-only connections for single statements."""
    url: str

    async def close(self) -> None:
        await self.reads.close()
        await self.engine.dispose()


async def _no_reset(connection: Any) -> None:
    """Nothing to reset: these connections only run single read-only statements."""


def _replace_closed(connection: Any, *_: Any) -> None:
    """Replace a connection that was closed while idle; the check needs no round trip."""
    if connection.driver_connection.is_closed():
        raise InvalidatePoolError


async def open_database(config: Settings) -> Database:
    """Open the engine and the read pool.

    Raises:
        OSError, asyncpg.PostgresError: The server cannot be reached or refuses.
    """
    if config.debug:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.INFO)
    engine = create_async_engine(
        sqlalchemy_url(config.database_url),
        pool_size=config.write_pool_size,
        # Overflow connections would be opened and closed for a single use.
        max_overflow=0,
        pool_timeout=WRITE_TIMEOUT_S,
        # Parameters may contain personal data, and error messages are logged.
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_TIMEOUT_S,
            "command_timeout": WRITE_TIMEOUT_S,
            "server_settings": {
                "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_TIMEOUT_S}s"
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed)
    pool = await asyncpg.create_pool(
        _plain(config.database_url),
        min_size=1,
        max_size=config.read_pool_size,
        reset=_no_reset,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=READ_TIMEOUT_S,
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
