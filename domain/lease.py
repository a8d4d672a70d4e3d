"""One worker alone has a request or a turn, and writes nothing once another has it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Generic
from uuid import UUID, uuid4

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.leases import Leases, Row

LEASE_S = 15
"""How long the request of a killed worker waits for the next one."""

RENEW_EVERY_S = 1.0
"""How often the lease is renewed and a wish to cancel is looked for."""

log = structlog.get_logger()


class LeaseLost(Exception):
    """Another worker has the request, or it is over: this one has no say in it any more."""


class Lease(Generic[Row]):
    """A request taken; made by `take`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        rows: type[Leases[Row]],
        request: Row,
        holder: UUID,
    ) -> None:
        self._sessions = sessions
        self._rows = rows
        self._holder = holder
        self.request = request

    @classmethod
    async def take(
        cls, sessions: async_sessionmaker[AsyncSession], rows: type[Leases[Row]], request_id: UUID
    ) -> "Lease[Row] | None":
        """The lease, or None when the request is over or another has it."""
        holder = uuid4()
        async with sessions.begin() as session:
            request = await rows(session).lease(request_id, holder, LEASE_S)
        return cls(sessions, rows, request, holder) if request else None

    async def check(self, session: AsyncSession) -> None:
        """Make sure that what this transaction writes is still ours to write.

        Raises:
            LeaseLost: It is not.
        """
        if not await self._rows(session).holds_lease(self.request.id, self._holder):
            raise LeaseLost

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that only happens while the request is ours.

        Raises:
            LeaseLost: It is not.
        """
        async with self._sessions.begin() as session:
            await self.check(session)
            yield session

    async def keep(self) -> None:
        """Renew the lease until somebody asks to cancel.

        Raises:
            LeaseLost: Another has taken the request, or Postgres was away for so long that
                another may have.
        """
        renewed_at = time.monotonic()
        while True:
            try:
                async with self._sessions.begin() as session:
                    renewed = await self._rows(session).renew_lease(
                        self.request.id, self._holder, LEASE_S
                    )
            except (SQLAlchemyError, OSError) as error:
                log.warning("lease_not_renewed", error=type(error).__name__)
                if time.monotonic() - renewed_at > LEASE_S:
                    raise LeaseLost from error
            else:
                if renewed is None:
                    raise LeaseLost
                if renewed.cancel_asked_at:
                    return
                renewed_at = time.monotonic()
            await asyncio.sleep(RENEW_EVERY_S)

    def was_last(self, request: Row) -> bool:
        """Whether nobody has taken the request after us."""
        return request.lease_holder == self._holder

    async def drop(self) -> None:
        """Let another worker go on at once."""
        async with self._sessions.begin() as session:
            await self._rows(session).drop_lease(self.request.id, self._holder)
