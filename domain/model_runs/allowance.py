"""Returning what a run has used of its caller's allowance: a rate limit's place and a credit.

The return is promised in the transaction that ends the run, and made when Redis allows it.
"""

from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.credits import CreditRepository
from domain.caller import Caller
from domain.errors import NotPaid
from domain.limits.rate_limit import LimiterAway, RateLimiter, refusal
from domain.limits.states import PolicyState
from domain.model_runs.kind import RunKind

log = structlog.get_logger()


class NoCredits(NotPaid):
    code = "no_credits"


async def promise_return(session: AsyncSession, kind: RunKind[Any, Any], run_id: UUID) -> None:
    """Give the run's credit back, and have its place in the limit returned."""
    await CreditRepository(session).give_back(run_id)
    await kind.return_job.enqueue(session, run_id)


async def return_place(
    sessions: async_sessionmaker[AsyncSession],
    limiter: RateLimiter,
    kind: RunKind[Any, Any],
    run_id: UUID,
) -> None:
    """Return a run's place in the limit; a second time this changes nothing.

    Raises:
        LimiterAway: Redis is unavailable; the promise stands.
    """
    async with sessions() as session:
        run = await kind.repository(session).get(run_id)
    if run:
        await limiter.give_back(kind.limit_policy, run.caller_id, run.network, str(run_id))
    async with sessions.begin() as session:
        await kind.return_job.done(session, run_id)


async def return_place_now(
    sessions: async_sessionmaker[AsyncSession],
    limiter: RateLimiter,
    kind: RunKind[Any, Any],
    run_id: UUID,
) -> None:
    """Return it at once where that is possible, so that the caller sees it."""
    try:
        await return_place(sessions, limiter, kind, run_id)
    except LimiterAway:
        log.warning("allowance_return_postponed")


async def remaining(
    limiter: RateLimiter, kind: RunKind[Any, Any], caller: Caller
) -> tuple[PolicyState, str | None]:
    """The caller's limit, and why another run would be refused now.

    Raises:
        LimiterAway: It is unknown.
    """
    states = await limiter.left(caller)
    state = next(state for state in states if state.policy.name == kind.limit_policy)
    full = state.refused_by
    return state, refusal(state.policy, full).detail if full else None
