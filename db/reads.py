"""The connections of the hot reads.

asyncpg's pool starts a task for every connection that is released, even with a no-op reset. Here a
reader hands its connection to the next one directly, and only a failed connection is released to
the pool: about a third more reads a second (`bench/read_pool.py`).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy


class Reads:
    """Runs single read-only statements on the connections of a pool."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        # A stack: the connection used last is reused first, so no more are opened than are needed
        # at the same time. None stands for one that is not open.
        self._free: list[PoolConnectionProxy | None] = [None] * pool.get_max_size()
        self._waiting: deque[asyncio.Future[PoolConnectionProxy | None]] = deque()

    async def fetch(self, sql: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """All rows of a statement.

        Raises:
            OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError: It failed.
        """
        connection = self._free.pop() if self._free else await self._next_free()
        try:
            if connection is None or _is_lost(connection):
                connection = await self._pool.acquire()
            rows = await connection.fetch(sql, *arguments)
        except BaseException as error:
            # The pool decides whether the connection can still be used.
            self._hand_over(None)
            if connection is not None:
                await self._pool.release(connection)
            if isinstance(error, asyncpg.InternalClientError):
                # Postgres has announced the end of the connection and has not closed it yet.
                raise asyncpg.ConnectionDoesNotExistError("Postgres ended it.") from error
            raise
        self._hand_over(connection)
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
        """Wait for running statements, then close the connections."""
        connections = [
            self._free.pop() if self._free else await self._next_free()
            for _ in range(self._pool.get_max_size())
        ]
        for connection in filter(None, connections):
            await self._pool.release(connection)
        await self._pool.close()
        for _ in connections:
            # A later read gets the pool's error that it is closed.
            self._hand_over(None)

    async def _next_free(self) -> PoolConnectionProxy | None:
        """Wait for a connection; readers are served in the order in which they came."""
        waiter: asyncio.Future[PoolConnectionProxy | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._hand_over(waiter.result())
            raise

    def _hand_over(self, connection: PoolConnectionProxy | None) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._free.append(connection)


def _is_lost(connection: PoolConnectionProxy) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # The pool has noticed it before and taken the connection back.
