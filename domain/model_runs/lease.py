"""Leases: one worker alone has a run, and writes nothing once another has it."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, Generic
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.model_runs import ModelRunRepository, Run

LEASE_S = 15
"""How long the run of a killed worker waits for the next worker."""

RENEW_EVERY_S = 1.0
"""How often leases are renewed and requests to cancel are read."""

log = structlog.get_logger()


class LeaseLost(Exception):
    """Another worker has the run, or it is finished: this worker may not write for it."""


class Lease(Generic[Run]):
    """A leased run; made by `LeaseManager.acquire`."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        repository: type[ModelRunRepository[Run, Any]],
        run: Run,
        holder: UUID,
    ) -> None:
        self._sessions = sessions
        self._repository = repository
        self.holder = holder
        self.run = run

    async def verify(self, session: AsyncSession) -> None:
        """Lock the run for this transaction.

        Raises:
            LeaseLost: It is no longer leased to this worker.
        """
        if not await self._repository(session).lock_if_leased(self.run.id, self.holder):
            raise LeaseLost

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """A transaction that only takes place while the run is leased to this worker.

        Raises:
            LeaseLost: It is not.
        """
        async with self._sessions.begin() as session:
            await self.verify(session)
            yield session

    def is_latest(self, run: Run) -> bool:
        """Whether no other worker has leased the run since."""
        return run.lease_holder == self.holder

    async def release(self) -> None:
        """Let another worker continue at once."""
        async with self._sessions.begin() as session:
            await self._repository(session).release_lease(self.run.id, self.holder)


class LeaseManager(Generic[Run]):
    """The leases of one process, renewed together: with a transaction a second for each of a
    hundred runs, no connection would be left for the rest.
    """

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        repository: type[ModelRunRepository[Run, Any]],
    ) -> None:
        self._sessions = sessions
        self._repository = repository
        self._renewals: dict[Lease[Run], _Renewal] = {}
        self._renewing: asyncio.Task[None] | None = None

    async def acquire(self, run_id: UUID) -> Lease[Run] | None:
        """The lease, or None when the run is finished or another worker has it."""
        holder = uuid4()
        async with self._sessions.begin() as session:
            run = await self._repository(session).lease(run_id, holder, LEASE_S)
        return Lease(self._sessions, self._repository, run, holder) if run else None

    async def renew_until_cancelled(self, lease: Lease[Run]) -> None:
        """Renew a lease until cancellation of its run is requested.

        Raises:
            LeaseLost: Another worker has the run, or Postgres was unavailable for so long that
                another may have it.
        """
        renewal = self._renewals[lease] = _Renewal()
        if self._renewing is None:
            # In an empty context: what the task logs belongs to no single request.
            self._renewing = asyncio.create_task(self._renew_all(), context=Context())
        try:
            await renewal.until
        finally:
            del self._renewals[lease]
            if not self._renewals:
                await self._stop_renewing()

    async def _stop_renewing(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing:
            renewing.cancel()
            await asyncio.wait({renewing})

    async def _renew_all(self) -> None:
        while True:
            renewals = dict(self._renewals)
            try:
                async with self._sessions.begin() as session:
                    renewed = await self._repository(session).renew_leases(
                        {lease.holder: lease.run.id for lease in renewals}, LEASE_S
                    )
            except Exception as error:
                # Whatever the error is, the next attempt must be made.
                log.warning("lease_renewal_failed", error=type(error).__name__)
                for renewal in renewals.values():
                    renewal.failed()
            else:
                for lease, renewal in renewals.items():
                    renewal.succeeded(renewed.get(lease.holder))
            await asyncio.sleep(RENEW_EVERY_S)


class _Renewal:
    """The state of a lease that is being renewed."""

    def __init__(self) -> None:
        self.until: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when cancellation is requested; fails when the lease is lost."""
        self._renewed_at = time.monotonic()

    def succeeded(self, cancel_requested: bool | None) -> None:
        """Record what the row says; None when it is no longer leased to this worker."""
        self._renewed_at = time.monotonic()
        if self.until.done():
            return
        if cancel_requested is None:
            self.until.set_exception(LeaseLost())
        elif cancel_requested:
            self.until.set_result(None)

    def failed(self) -> None:
        if time.monotonic() - self._renewed_at > LEASE_S and not self.until.done():
            self.until.set_exception(LeaseLost())
