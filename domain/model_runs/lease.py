"""One worker alone has a request or a turn, and writes nothing once another has it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Generic
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories import leases as repositories
from db.repositories.leases import Row

LEASE_S = 15
"""How long the request of a killed worker waits for the next one."""

RENEW_EVERY_S = 1.0
"""How often the lease is renewed and a wish to cancel is looked for."""

log = structlog.get_logger()


class LeaseLost(Exception):
    """Another worker has the request, or it is over: this one has no say in it any more."""


class Lease(Generic[Row]):
    """A request taken; made by `Leases.take`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        rows: type[repositories.Leases[Row]],
        request: Row,
        holder: UUID,
    ) -> None:
        self._sessions = sessions
        self._rows = rows
        self.holder = holder
        self.request = request

    async def check(self, session: AsyncSession) -> None:
        """Make sure that what this transaction writes is still ours to write.

        Raises:
            LeaseLost: It is not.
        """
        if not await self._rows(session).holds_lease(self.request.id, self.holder):
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

    def was_last(self, request: Row) -> bool:
        """Whether nobody has taken the request after us."""
        return request.lease_holder == self.holder

    async def drop(self) -> None:
        """Let another worker go on at once."""
        async with self._sessions.begin() as session:
            await self._rows(session).drop_lease(self.request.id, self.holder)


class Leases(Generic[Row]):
    """The leases of one process, which are renewed all together: a hundred transactions a second,
    one for each answer under way, would leave the others no connection.
    """

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], rows: type[repositories.Leases[Row]]
    ) -> None:
        self._sessions = sessions
        self._rows = rows
        self._kept: dict[Lease[Row], _Kept] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def take(self, request_id: UUID) -> Lease[Row] | None:
        """The lease, or None when the request is over or another has it."""
        holder = uuid4()
        async with self._sessions.begin() as session:
            request = await self._rows(session).lease(request_id, holder, LEASE_S)
        return Lease(self._sessions, self._rows, request, holder) if request else None

    async def keep(self, lease: Lease[Row]) -> None:
        """Renew a lease until somebody asks to cancel.

        Raises:
            LeaseLost: Another has taken the request, or Postgres was away for so long that
                another may have.
        """
        kept = self._kept[lease] = _Kept()
        if self._renewing is None:
            # What it logs is of no one request.
            self._renewing = asyncio.create_task(self._renew(), context=Context())
        try:
            await kept.until
        finally:
            del self._kept[lease]
            if not self._kept:
                await self._rest()

    async def _rest(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing:
            renewing.cancel()
            await asyncio.wait({renewing})

    async def _renew(self) -> None:
        while True:
            kept = dict(self._kept)
            try:
                async with self._sessions.begin() as session:
                    renewed = await self._rows(session).renew_leases(
                        {lease.holder: lease.request.id for lease in kept}, LEASE_S
                    )
            except Exception as error:
                # Whatever it is, the next try must come.
                log.warning("leases_not_renewed", error=type(error).__name__)
                for one in kept.values():
                    one.not_renewed()
            else:
                for lease, one in kept.items():
                    one.renewed(renewed.get(lease.holder))
            await asyncio.sleep(RENEW_EVERY_S)


class _Kept:
    """A lease that is being renewed."""

    def __init__(self) -> None:
        self.until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when somebody asks to cancel."""
        self._renewed_at = time.monotonic()

    def renewed(self, cancelled: bool | None) -> None:
        """Note what the row says; None when it is not there any more."""
        self._renewed_at = time.monotonic()
        if self.until.done():
            return
        if cancelled is None:
            self.until.set_exception(LeaseLost())
        elif cancelled:
            self.until.set_result(None)

    def not_renewed(self) -> None:
        if time.monotonic() - self._renewed_at > LEASE_S and not self.until.done():
            self.until.set_exception(LeaseLost())
