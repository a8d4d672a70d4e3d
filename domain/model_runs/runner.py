"""The run loop: a worker leases a run, works on it while the lease is renewed, and ends it.

Every step is written down before the next begins, so that a worker killed at any point is
followed by another that continues from there, and no model is asked twice for what may have
been billed.
"""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Generic
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.credits import CreditRepository
from db.repositories.model_runs import Run
from domain.limits.rate_limit import RateLimiter
from domain.llm.openrouter import OpenRouter
from domain.model_runs import allowance, settlement
from domain.model_runs.event_log import EventWriter
from domain.model_runs.failures import Failure, RunFailed, failure_of
from domain.model_runs.kind import RunKind
from domain.model_runs.lease import Lease, LeaseLost, LeaseManager
from domain.model_runs.progress import ProgressWriter

log = structlog.get_logger()


class ModelRunner(ABC, Generic[Run]):
    """Carries out the runs of one kind."""

    def __init__(
        self,
        kind: RunKind[Run, Any],
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        redis: Redis,
        limiter: RateLimiter,
    ) -> None:
        self._kind = kind
        self._sessions = sessions
        self._openrouter = openrouter
        self._limiter = limiter
        self._leases = LeaseManager(sessions, kind.repository)
        self._events = EventWriter(redis)

    @abstractmethod
    async def _work(self, lease: Lease[Run]) -> None:
        """Produce the run's result and conclude the run with it.

        Raises:
            RunFailed, ModelFailed, LeaseLost: There is none.
        """

    async def run(self, run_id: UUID) -> None:
        """Bring a run to its end, unless it is finished or another worker has it."""
        lease = await self._leases.acquire(run_id)
        if lease is None:
            await self._forget_if_finished(run_id)
            return
        work = asyncio.create_task(self._work(lease))
        renewal = asyncio.create_task(self._leases.renew_until_cancelled(lease))
        try:
            await asyncio.wait({work, renewal}, return_when=asyncio.FIRST_COMPLETED)
            await _stop(work)
            lost = renewal.exception() if renewal.done() else None
            stopped = RunFailed(self._kind.cancelled) if work.cancelled() else work.exception()
            await self._end(lease, lost or stopped)
        except asyncio.CancelledError:
            # This worker is shutting down: the next one may take over without waiting.
            await _stop(work)
            await lease.release()
            raise
        finally:
            await _stop(renewal)

    async def _forget_if_finished(self, run_id: UUID) -> None:
        async with self._sessions.begin() as session:
            run = await self._kind.repository(session).get(run_id)
            if run is None or not run.is_open:
                await self._kind.run_job.done(session, run_id)

    async def _end(self, lease: Lease[Run], error: BaseException | None) -> None:
        """Record how the run ended, if this worker may, and publish its last event."""
        if error and not isinstance(error, LeaseLost):
            failure = failure_of(error, refused_status=self._kind.refused_status)
            with suppress(LeaseLost):
                if await self._retry_later(lease, failure):
                    return
                await self._fail(lease, failure)
        async with self._sessions() as session:
            run = await self._kind.repository(session).get(lease.run.id)
        if run is None or run.is_open or not lease.is_latest(run):
            log.warning("lease_lost")
            return
        await self._progress(run.id).finish(run)
        log.info("run_finished", kind=self._kind.name, status=run.status, code=run.problem_code)
        await self._announce(run)

    async def _retry_later(self, lease: Lease[Run], failure: Failure) -> bool:
        """Return the run to the queue instead of failing it, where that is worth it."""
        return False

    async def _announce(self, run: Run) -> None:
        """Publish a finished run to others than those who follow it."""

    async def _fail(self, lease: Lease[Run], failure: Failure) -> None:
        run_id = lease.run.id
        async with lease.transaction() as session:
            failure = await self._final_failure(session, lease.run, failure)
            if failure.allowance_returned:
                await allowance.promise_return(session, self._kind, run_id)
            await self._conclude(
                session,
                lease.run,
                failure.status,
                problem_code=failure.code,
                problem_detail=failure.detail,
                allowance_returned=failure.allowance_returned,
            )
        if failure.allowance_returned:
            await allowance.return_place_now(self._sessions, self._limiter, self._kind, run_id)

    async def _final_failure(self, session: AsyncSession, run: Run, failure: Failure) -> Failure:
        """The failure as it is recorded, in view of the calls made and of how the run is paid."""
        return failure

    async def _conclude(self, session: AsyncSession, run: Run, status: str, **values: Any) -> None:
        """The last writes of a run, however it ends; the contended rows come last."""
        await self._kind.repository(session).change(
            run.id, status=status, finished_at=datetime.now(UTC), **values
        )
        await self._kind.run_job.done(session, run.id)
        # Without effect on a credit that was given back.
        await CreditRepository(session).use(run.id)
        await settlement.sum_up(session, self._kind, run.id)

    def _progress(self, run_id: UUID) -> ProgressWriter[Run]:
        return ProgressWriter(self._events, self._kind, run_id)


async def _stop(task: "asyncio.Task[Any]") -> None:
    """Cancel a task and wait for its end, ignoring its result; can itself be cancelled."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
