"""What runs cost: read from the answers themselves, or looked up afterwards."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models.model_run import PaidCall
from db.repositories.budgets import BudgetRepository
from db.repositories.model_runs import Call, Run
from domain.llm.bills import LOOKUPS_AT_MOST, SOURCES, Bill, bill_of, next_lookup_s
from domain.llm.openrouter import OpenRouter
from domain.model_runs.kind import RunKind

UNSETTLED = {"called", "answered"}
"""States of a call whose cost is not known yet."""


async def record_bill(
    session: AsyncSession, kind: RunKind[Run, Call], call: Call, bill: Bill
) -> None:
    """Record what a call cost, and settle what is held for it alone; comes last."""
    usage = {
        "provider": bill.provider and (call.provider or bill.provider),
        "prompt_tokens": bill.prompt_tokens,
        "completion_tokens": bill.completion_tokens,
    }
    known = {name: value for name, value in usage.items() if value is not None}
    await kind.repository(session).change_call(
        call, state="settled", cost_usd=bill.cost_usd, cost_source=bill.source, **known
    )
    if call.hold_id:
        await BudgetRepository(session).settle(call.hold_id, bill.cost_usd)


async def record_unbilled(session: AsyncSession, kind: RunKind[Run, Call], call: Call) -> None:
    """Record that a call cost nothing, and release what is held for it alone; comes last."""
    await kind.repository(session).change_call(
        call, state="unbilled", cost_usd=Decimal(0), cost_source="none"
    )
    if call.hold_id:
        await BudgetRepository(session).release(call.hold_id)


async def fetch_bill(
    sessions: async_sessionmaker[AsyncSession],
    openrouter: OpenRouter,
    kind: RunKind[Run, Call],
    call: Call,
    *,
    patient: bool = False,
    give_up: bool = False,
) -> bool:
    """Ask OpenRouter what a call cost and record it; see `bill_of`.

    Returns:
        Whether it is known.
    """
    bill = await bill_of(
        openrouter, call.upstream_id, call.quote_usd, patient=patient, give_up=give_up
    )
    if bill is None:
        return False
    async with sessions.begin() as session:
        await record_bill(session, kind, call, bill)
    return True


async def sum_up(session: AsyncSession, kind: RunKind[Run, Call], run_id: UUID) -> None:
    """Sum up the calls of a finished run; while a cost is unknown, add the job that looks it up."""
    runs = kind.repository(session)
    for call in await runs.calls(run_id):
        if call.state == "held":
            # Money was held for it, and it was never made.
            await record_unbilled(session, kind, call)
    calls = await runs.calls(run_id)
    settled = not any(call.state in UNSETTLED for call in calls)
    if not settled:
        await kind.settle_job.enqueue(session, run_id)
    await runs.change(run_id, **kind.totals(calls, settled=settled))
    if run := await runs.get(run_id):
        await kind.totals_changed(session, run)


async def settle_run(
    sessions: async_sessionmaker[AsyncSession],
    openrouter: OpenRouter,
    kind: RunKind[Run, Call],
    run_id: UUID,
) -> None:
    """Find out what a finished run cost; what is not known yet is looked up again later."""
    async with sessions() as session:
        calls = await kind.repository(session).calls(run_id)
        attempts = await kind.settle_job.attempts(session, run_id)
    give_up = attempts >= LOOKUPS_AT_MOST
    known = [
        await fetch_bill(sessions, openrouter, kind, call, give_up=give_up)
        for call in calls
        if call.state in UNSETTLED
    ]
    async with sessions.begin() as session:
        if all(known):
            await sum_up(session, kind, run_id)
            await kind.settle_job.done(session, run_id)
        else:
            await kind.settle_job.postpone(session, run_id, delay_s=next_lookup_s(attempts))


def cost_of(calls: Iterable[PaidCall]) -> dict[str, Any]:
    """The columns of a run that say what its calls cost, and how reliably that is known."""
    calls = list(calls)
    sources = [call.cost_source or "none" for call in calls] or ["none"]
    return {
        "cost_usd": sum((call.cost_usd or Decimal(0) for call in calls), Decimal(0)),
        "cost_source": max(sources, key=SOURCES.index),
    }
