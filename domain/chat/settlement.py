"""What a turn cost: the sum of its calls, each of which the ledger knows by itself."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import BudgetReservation, ChatCall
from db.repositories.budgets import BudgetRepository
from db.repositories.chats import ChatRepository, ChatTurnRepository
from db.repositories.leases import OPEN
from db.repositories.outbox import OutboxRepository
from domain.infra.logging import current_request_id
from domain.llm.bills import OFFERS_AT_MOST, SOURCES, Bill, bill_of, wait_s_after
from domain.llm.openrouter import OpenRouter

JOB = "settle_chat_turn"
RUN_JOB = "run_chat_turn"

UNSETTLED = {"called", "answered"}


def job_key(turn_id: UUID) -> str:
    return f"settle-chat:{turn_id}"


def run_key(turn_id: UUID) -> str:
    return f"chat:{turn_id}"


async def sum_up(session: AsyncSession, turn_id: UUID) -> None:
    """Book what the turn's calls cost, or write down the job that finds out."""
    turns = ChatTurnRepository(session)
    for call in await turns.calls(turn_id):
        if call.state == "held":
            # Money was held for it, and it was never made.
            await let_go(session, call.id)
    calls = await turns.calls(turn_id)
    unsettled = [call for call in calls if call.state in UNSETTLED]
    if unsettled:
        await OutboxRepository(session).add(
            JOB, job_key(turn_id), turn_id=str(turn_id), meta={"request_id": current_request_id()}
        )
    sources = [call.cost_source or "none" for call in calls] or ["none"]
    await turns.change(
        turn_id,
        prompt_tokens=sum(call.prompt_tokens or 0 for call in calls),
        completion_tokens=sum(call.completion_tokens or 0 for call in calls),
        cost_usd=sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0)),
        cost_source=max(sources, key=SOURCES.index),
        settled_at=None if unsettled else datetime.now(UTC),
    )
    if turn := await turns.get(turn_id):
        await ChatRepository(session).sum_up(turn.session_id)


async def book(session: AsyncSession, call: ChatCall, bill: Bill) -> None:
    """Write down what a call cost, and settle what was held for it; comes last."""
    await ChatTurnRepository(session).change_call(
        call.id,
        state="settled",
        cost_usd=bill.cost_usd,
        cost_source=bill.source,
        provider=call.provider or bill.provider,
        prompt_tokens=call.prompt_tokens if bill.prompt_tokens is None else bill.prompt_tokens,
        completion_tokens=(
            call.completion_tokens if bill.completion_tokens is None else bill.completion_tokens
        ),
    )
    await BudgetRepository(session).settle(call.id, bill.cost_usd)


async def let_go(session: AsyncSession, call_id: UUID) -> None:
    """The call cost nothing."""
    await ChatTurnRepository(session).change_call(
        call_id, state="unbilled", cost_usd=Decimal(0), cost_source="none"
    )
    await BudgetRepository(session).release(call_id)


async def settle(
    sessions: async_sessionmaker[AsyncSession], openrouter: OpenRouter, turn_id: UUID
) -> None:
    """Find out what a finished turn cost; what is not known yet is asked again later."""
    async with sessions() as session:
        calls = await ChatTurnRepository(session).calls(turn_id)
        offers = await OutboxRepository(session).attempts(job_key(turn_id))
    known = True
    for call in calls:
        if call.state not in UNSETTLED:
            continue
        bill = await bill_of(
            openrouter, call.upstream_id, call.quote_usd, give_up=offers >= OFFERS_AT_MOST
        )
        if bill is None:
            known = False
            continue
        async with sessions.begin() as session:
            await book(session, call, bill)
    async with sessions.begin() as session:
        if known:
            await sum_up(session, turn_id)
            await OutboxRepository(session).done(job_key(turn_id))
        else:
            await OutboxRepository(session).postpone(job_key(turn_id), wait_s_after(offers))


async def release_orphan(session: AsyncSession, reservation: BudgetReservation) -> bool:
    """Make sure that what is held for a chat's call has a job that lets it go; tells whether it
    is a chat's.
    """
    turns = ChatTurnRepository(session)
    call = await turns.call(reservation.request_id)
    turn = await turns.get(call.turn_id) if call else None
    if turn is None:
        return False
    job, key = (RUN_JOB, run_key(turn.id)) if turn.status in OPEN else (JOB, job_key(turn.id))
    # A job that is written down already stays as it is.
    meta = {"request_id": current_request_id()}
    await OutboxRepository(session).add(job, key, turn_id=str(turn.id), meta=meta)
    return True
