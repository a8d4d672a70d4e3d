"""Connections: SQLAlchemy sessions for writing, a plain asyncpg pool for the hot reads."""

import logging
from dataclasses import dataclass
from functools import cache, partial
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
from settings.postgres import read_postgres_url

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


DIALECT = "postgresql+asyncpg://"
"""SQLAlchemy's URL says only this; `connect` knows the rest, so both drivers read one address."""


def connect_options(url: str, **settings: str) -> dict[str, Any]:
    """The options of `asyncpg.connect` and `asyncpg.create_pool` for an address, with settings of
    the server.
    """
    address = read_postgres_url(url)
    options: dict[str, Any] = {
        "dsn": address.dsn,
        "timeout": address.timeout_s or CONNECT_TIMEOUT_S,
        "server_settings": settings,
    }
    if address.tls:
        options["ssl"] = address.tls
    return options


def create_engine(url: str, **options: Any) -> AsyncEngine:
    """An engine whose connections are made by asyncpg itself."""
    connect = partial(
        asyncpg.connect,
        **connect_options(
            url, idle_in_transaction_session_timeout=f"{IDLE_TRANSACTION_TIMEOUT_S}s"
        ),
        command_timeout=WRITE_TIMEOUT_S,
    )
    return create_async_engine(DIALECT, async_creator=connect, **options)


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
    """As it was given; `connect_options` reads it."""

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
    engine = create_engine(
        config.database_url,
        pool_size=config.write_pool_size,
        # Overflow connections would be opened and closed for a single use.
        max_overflow=0,
        pool_timeout=WRITE_TIMEOUT_S,
        # Parameters may contain personal data, and error messages are logged.
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed)
    pool = await asyncpg.create_pool(
        **connect_options(config.database_url, **READ_SETTINGS),
        min_size=1,
        max_size=config.read_pool_size,
        reset=_no_reset,
        command_timeout=READ_TIMEOUT_S,
    )
    return Database(
        engine=engine,
        sessions=Sessions(engine),
        reads=Reads(pool),
        url=config.database_url,
    )


@cache
def head_revision() -> str | None:
    """The newest migration this code knows."""
    return ScriptDirectory("db/migrations").get_current_head()
