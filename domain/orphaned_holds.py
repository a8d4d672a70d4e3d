"""Money that is still held for requests nobody works on any more."""

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import BudgetReservation
from db.repositories.budgets import BudgetRepository
from db.repositories.generations import OPEN, GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain.chat import settlement as chats
from domain.generation import requests, settlement
from domain.infra.logging import current_request_id
from domain.spending.credits import Credits

LEFT_OVER_S = 20
"""How long money is held before somebody looks why; most requests are over by then."""

log = structlog.get_logger()


async def release_orphans(sessions: async_sessionmaker[AsyncSession]) -> int:
    """Make sure that everything held for longer has a job that lets it go; how many there are."""
    async with sessions() as session:
        held = await BudgetRepository(session).open_for(LEFT_OVER_S)
    for reservation in held:
        async with sessions.begin() as session:
            await _see_to(session, reservation)
    return len(held)


async def _see_to(session: AsyncSession, reservation: BudgetReservation) -> None:
    request_id, outbox = reservation.request_id, OutboxRepository(session)
    request = await GenerationRepository(session).get(request_id)
    if request is None and await chats.release_orphan(session, reservation):
        return
    if request is None:
        # It was deleted, and what it cost with it: nobody can say that it cost less.
        await Credits().give_back(session, request_id=request_id)
        await BudgetRepository(session).settle(request_id, reservation.amount_usd)
        log.error("worst_case_booked", generation=str(request_id))
        return
    # A job that is written down already stays as it is.
    job, key = (
        (requests.JOB, requests.job_key(request_id))
        if request.status in OPEN
        else (settlement.JOB, settlement.job_key(request_id))
    )
    meta = {"request_id": current_request_id()}
    await outbox.add(job, key, request_id=str(request_id), meta=meta)
