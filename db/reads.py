"""Connections for the hot reads, handed from one to the next without ceremony.

Going through the pool each time costs as much as what is asked of Postgres (`make bench`): it
opens a task for every connection it takes back. Here they are taken back only when one fails.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy


class Reads:
    """Runs one statement at a time on each of a few connections, which are read-only."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        # The one used last comes first, so no more are opened than are needed at once.
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
            # Whatever went wrong with it, the pool knows what to do.
            self._hand_on(None)
            if connection is not None:
                await self._pool.release(connection)
            if isinstance(error, asyncpg.InternalClientError):
                # Postgres has said goodbye on it, and asyncpg has not heard it hang up yet.
                raise asyncpg.ConnectionDoesNotExistError("Postgres ended it.") from error
            raise
        self._hand_on(connection)
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
        held = [
            self._free.pop() if self._free else await self._next_free()
            for _ in range(self._pool.get_max_size())
        ]
        for connection in filter(None, held):
            await self._pool.release(connection)
        await self._pool.close()
        for _ in held:
            # Whoever asks now is told by the pool that it is closed.
            self._hand_on(None)

    async def _next_free(self) -> PoolConnectionProxy | None:
        """Whoever has waited longest comes next: nobody who asks later gets in between."""
        turn: asyncio.Future[PoolConnectionProxy | None] = (
            asyncio.get_running_loop().create_future()
        )
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._hand_on(turn.result())
            raise

    def _hand_on(self, connection: PoolConnectionProxy | None) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self._free.append(connection)


def _is_lost(connection: PoolConnectionProxy) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        return True  # The pool has noticed first, and taken it back.
