"""Connections for the hot reads, handed from one to the next without ceremony.

Going through the pool each time costs as much as what is asked of Postgres (`make bench`): it
opens a task for every connection it takes back. Here they are taken back only when one fails.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy


class Reads:
    """Runs one statement at a time on each of a few connections, which are read-only."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        # The one used last comes first, so no more are opened than are needed at once.
        self._free: asyncio.LifoQueue[PoolConnectionProxy | None] = asyncio.LifoQueue()
        for _ in range(pool.get_max_size()):
            self._free.put_nowait(None)

    async def fetch(self, sql: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """All rows of a statement.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: It failed.
        """
        connection = await self._free.get()
        try:
            if connection is None or _is_lost(connection):
                connection = await self._pool.acquire()
            rows = await connection.fetch(sql, *arguments)
        except BaseException as error:
            # Whatever went wrong with it, the pool knows what to do.
            self._free.put_nowait(None)
            if connection is not None:
                await self._pool.release(connection)
            if isinstance(error, asyncpg.InternalClientError):
                # Postgres has said goodbye on it, and asyncpg has not heard it hang up yet.
                raise asyncpg.ConnectionDoesNotExistError("Postgres ended it.") from error
            raise
        self._free.put_nowait(connection)
        return rows

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        """The first row, if there is one."""
        rows = await self.fetch(sql, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        """The first value of the first row, if there is one."""
        row = await self.fetchrow(sql, *arguments)
        return row[0] if row else None

    async def close(self) -> None:
        """Wait for those who read, and close the connections."""
        held = [await self._free.get() for _ in range(self._pool.get_max_size())]
        for connection in filter(None, held):
            await self._pool.release(connection)
        await self._pool.close()
        for _ in held:
            # Whoever asks now is told by the pool that it is closed.
            self._free.put_nowait(None)


def _is_lost(connection: PoolConnectionProxy) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # The pool has noticed first, and taken it back.
