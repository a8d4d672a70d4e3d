"""Giving a request's place in the limits back: promised with its end, done when Redis can."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.generations import GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain.infra.logging import current_request_id
from domain.limits.rate_limit import LimiterAway, RateLimiter

JOB = "return_allowance"
POLICY = "generate"

log = structlog.get_logger()


def job_key(request_id: UUID) -> str:
    return f"return:{request_id}"


async def promise(session: AsyncSession, request_id: UUID) -> None:
    """Write down that it must be given back; so it is if this transaction commits."""
    await OutboxRepository(session).add(
        JOB,
        job_key(request_id),
        request_id=str(request_id),
        meta={"request_id": current_request_id()},
    )


async def give_back(
    sessions: async_sessionmaker[AsyncSession], limiter: RateLimiter, request_id: UUID
) -> None:
    """Keep the promise. Done twice, the second finds nothing to give back.

    Raises:
        LimiterAway: Not now; the promise stands.
    """
    async with sessions() as session:
        request = await GenerationRepository(session).get(request_id)
    if request:
        await limiter.give_back(POLICY, request.caller_id, request.network, str(request_id))
    async with sessions.begin() as session:
        await OutboxRepository(session).done(job_key(request_id))


async def return_now(
    sessions: async_sessionmaker[AsyncSession], limiter: RateLimiter, request_id: UUID
) -> None:
    """Keep the promise at once if that can be, so that whoever looks next sees it."""
    try:
        await give_back(sessions, limiter, request_id)
    except LimiterAway:
        log.warning("allowance_returned_later")
