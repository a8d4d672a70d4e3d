"""What a request cost: from the answers themselves, else asked for afterwards."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Factoid, GenerationRequest, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.generations import GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain.infra.logging import current_request_id
from domain.llm.bills import OFFERS_AT_MOST, SOURCES, bill_of, wait_s_after
from domain.llm.openrouter import OpenRouter

JOB = "settle_generation"


def job_key(request_id: UUID) -> str:
    return f"settle:{request_id}"


async def sum_up(session: AsyncSession, request_id: UUID) -> None:
    """Book what the request's calls cost, or write down the job that finds out."""
    requests = GenerationRepository(session)
    calls = await requests.calls(request_id)
    open_calls = [call for call in calls if call.state in {"called", "answered"}]
    if open_calls:
        await OutboxRepository(session).add(
            JOB,
            job_key(request_id),
            request_id=str(request_id),
            meta={"request_id": current_request_id()},
        )
    last = next((call for call in reversed(calls) if call.state != "unbilled"), None)
    values = {
        "provider": last.provider if last else None,
        "prompt_tokens": _total([call.prompt_tokens for call in calls]),
        "completion_tokens": _total([call.completion_tokens for call in calls]),
        "first_token_s": last.first_token_s if last else None,
        "total_s": last.total_s if last else None,
    }
    if last:
        values["model"] = last.model
    if not open_calls:
        sources = [call.cost_source or "none" for call in calls] or ["none"]
        source = max(sources, key=SOURCES.index)
        cost_usd = sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0))
        values |= {"cost_usd": cost_usd, "cost_source": source, "settled_at": datetime.now(UTC)}
    await requests.change(request_id, **values)
    request = await requests.get(request_id)
    if request and request.factoid_id:
        factoid = await session.get(Factoid, request.factoid_id)
        if factoid:
            factoid.cost_usd = request.cost_usd
            factoid.prompt_tokens = request.prompt_tokens
            factoid.completion_tokens = request.completion_tokens
    if request and request.cost_usd is not None:
        await _book_in_pots(session, request, request.cost_usd)


async def _book_in_pots(
    session: AsyncSession, request: GenerationRequest, cost_usd: Decimal
) -> None:
    """Comes last in a transaction: many wait for the pots."""
    budgets = BudgetRepository(session)
    if request.cost_source == "none":
        await budgets.release(request.id)
    else:
        await budgets.settle(request.id, cost_usd)


async def settle(
    sessions: async_sessionmaker[AsyncSession], openrouter: OpenRouter, request_id: UUID
) -> None:
    """Find out what a finished request cost; what is not known yet is asked again later."""
    async with sessions() as session:
        calls = await GenerationRepository(session).calls(request_id)
        offers = await OutboxRepository(session).attempts(job_key(request_id))
    give_up = offers >= OFFERS_AT_MOST
    known = [
        await settle_call(sessions, openrouter, call, give_up=give_up)
        for call in calls
        if call.state in {"called", "answered"}
    ]
    async with sessions.begin() as session:
        if all(known):
            await sum_up(session, request_id)
            await OutboxRepository(session).done(job_key(request_id))
        else:
            await OutboxRepository(session).postpone(job_key(request_id), wait_s_after(offers))


async def settle_call(
    sessions: async_sessionmaker[AsyncSession],
    openrouter: OpenRouter,
    call: ModelCall,
    *,
    patient: bool = False,
    give_up: bool = False,
) -> bool:
    """Ask what one call cost and book it; tells whether it is known. See `bill_of`."""
    bill = await bill_of(
        openrouter, call.upstream_id, call.quote_usd, patient=patient, give_up=give_up
    )
    if bill is None:
        return False
    values: dict[str, str | int | None] = {}
    if bill.source == "generation":
        values = {
            "provider": call.provider or bill.provider,
            "prompt_tokens": bill.prompt_tokens,
            "completion_tokens": bill.completion_tokens,
        }
    async with sessions.begin() as session:
        await GenerationRepository(session).change_call(
            call.request_id,
            call.number,
            state="settled",
            cost_usd=bill.cost_usd,
            cost_source=bill.source,
            **values,
        )
    return True


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
