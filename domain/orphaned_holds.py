"""Orphaned holds: money still reserved for a run that no worker works on."""

from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import BudgetReservation
from db.repositories.budgets import BudgetRepository
from db.repositories.credits import CreditRepository
from domain.chat.kind import CHAT_TURNS
from domain.generation.kind import GENERATIONS
from domain.model_runs.kind import RunKind

ORPHANED_AFTER_S = 20
"""How old a hold is before it is examined; most runs are finished by then."""

KINDS: tuple[RunKind[Any, Any], ...] = (GENERATIONS, CHAT_TURNS)

log = structlog.get_logger()


async def release_orphans(sessions: async_sessionmaker[AsyncSession]) -> int:
    """Schedule a job for every older hold that runs or settles it; returns how many there are."""
    async with sessions() as session:
        held = await BudgetRepository(session).open_for(ORPHANED_AFTER_S)
    for reservation in held:
        async with sessions.begin() as session:
            await _release(session, reservation)
    return len(held)


async def _release(session: AsyncSession, reservation: BudgetReservation) -> None:
    hold_id = reservation.request_id
    for kind in KINDS:
        if run := await kind.run_of_hold(session, hold_id):
            await (kind.run_job if run.is_open else kind.settle_job).enqueue(session, run.id)
            return
    # The run was deleted together with the costs of its calls, which may be all that is held.
    await CreditRepository(session).give_back(hold_id)
    await BudgetRepository(session).settle(hold_id, reservation.amount_usd)
    log.error("worst_case_booked", hold=str(hold_id))
