"""Run one generation; publish one factoid for every moment of the schedule."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from croniter import croniter

from db.models import GenerationRequest
from domain.generation import allowance, settlement
from domain.spending.budget import BudgetUsedUp
from jobs.context import WorkerContext
from jobs.heartbeat import heartbeat

log = structlog.get_logger()

CLOCK_SLACK = timedelta(seconds=5)
"""A schedule that fires a moment early still means the slot that is about to begin."""


async def run_generation(ctx: WorkerContext, *, request_id: str) -> None:
    """Bring a request to its end. Run twice, the second finds it done or taken."""
    async with heartbeat(ctx["job"]):
        await ctx["services"].generation.run(UUID(request_id))


async def settle_generation(ctx: WorkerContext, *, request_id: str) -> None:
    """Ask what a request cost. Run twice, the second finds it booked."""
    services = ctx["services"]
    await settlement.settle(services.database.sessions, services.openrouter, UUID(request_id))


async def return_allowance(ctx: WorkerContext, *, request_id: str) -> None:
    """Give a request's place in the limits back. Run twice, the second finds it done."""
    services = ctx["services"]
    await allowance.give_back(services.database.sessions, services.limiter, UUID(request_id))


async def publish_scheduled_factoid(ctx: WorkerContext) -> dict[str, str]:
    """Ask for the factoid of the current slot. Run by many, only one request is made.

    A slot there is no money for stays empty; asking again before midnight would not help.
    """
    try:
        request = await ctx["services"].generations.create_scheduled(current_slot(ctx))
    except BudgetUsedUp as refusal:
        log.warning("slot_stays_empty", pot=refusal.pot)
        return {}
    return {"request_id": str(request.id)}


async def catch_up_schedule(ctx: WorkerContext) -> None:
    """Publish for the latest slot when it was missed; older ones stay missed.

    Before the first scheduled factoid ever nothing can have been missed.
    """
    newest = await ctx["services"].generations.newest_slot()
    if newest and newest < current_slot(ctx):
        await publish_scheduled_factoid(ctx)


async def publish_now(ctx: WorkerContext) -> GenerationRequest:
    """By hand: make the current slot's request and see it through, with or without a worker."""
    request = await ctx["services"].generations.create_scheduled(current_slot(ctx))
    return await ctx["services"].generation.finish(request.id)


def current_slot(ctx: WorkerContext) -> datetime:
    """The latest moment of the schedule, UTC."""
    schedule = croniter(ctx["services"].settings.factoid_schedule, datetime.now(UTC) + CLOCK_SLACK)
    return schedule.get_prev(datetime)
