"""Jobs of a generation, and the factoid that the schedule publishes."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from croniter import croniter

from db.models import GenerationRequest
from domain.generation.kind import GENERATIONS
from domain.model_runs import allowance, settlement
from domain.spending.budget import BudgetUsedUp
from jobs.context import WorkerContext
from jobs.functions import cron, runs
from jobs.heartbeat import heartbeat
from jobs.services import WorkerServices
from settings import Settings

log = structlog.get_logger()

CLOCK_SLACK = timedelta(seconds=5)
"""A job that starts this much early still belongs to the slot that is about to begin."""


@runs(GENERATIONS.run_job)
async def run_generation(ctx: WorkerContext, *, request_id: str) -> None:
    """Bring a request to its end; a second run finds it done or leased."""
    async with heartbeat(ctx["job"]):
        await ctx["services"].generation.run(UUID(request_id))


@runs(GENERATIONS.settle_job)
async def settle_generation(ctx: WorkerContext, *, request_id: str) -> None:
    """Look up what a request cost; a second run finds it settled."""
    services = ctx["services"]
    await settlement.settle_run(
        services.database.sessions, services.openrouter, GENERATIONS, UUID(request_id)
    )


@runs(GENERATIONS.return_job)
async def return_allowance(ctx: WorkerContext, *, request_id: str) -> None:
    """Return a request's place in the rate limit; a second run finds it returned."""
    services = ctx["services"]
    await allowance.return_place(
        services.database.sessions, services.limiter, GENERATIONS, UUID(request_id)
    )


@cron(lambda settings: settings.factoid_schedule, timeout_s=30)
async def publish_scheduled_factoid(ctx: WorkerContext) -> dict[str, str]:
    """Request the factoid of the current slot; of many runs only one makes a request."""
    return await request_scheduled(ctx["services"])


async def request_scheduled(services: WorkerServices) -> dict[str, str]:
    """Request the current slot's factoid.

    A slot without a budget stays empty: more would be available only after midnight.
    """
    slot = current_slot(services.settings)
    try:
        request = await services.generations.create_scheduled(slot)
    except BudgetUsedUp as refusal:
        log.warning("slot_skipped", pot=refusal.pot)
        return {}
    return {"request_id": str(request.id)}


async def catch_up_schedule(services: WorkerServices) -> None:
    """Publish for the latest slot if it was missed; older slots stay empty.

    Before the first scheduled factoid nothing can have been missed.
    """
    newest = await services.generations.newest_slot()
    if newest and newest < current_slot(services.settings):
        await request_scheduled(services)


async def publish_now(services: WorkerServices) -> GenerationRequest:
    """Request the current slot's factoid and run the request here, or wait for a worker's run."""
    request = await services.generations.create_scheduled(current_slot(services.settings))
    return await services.generation.finish(request.id)


def current_slot(settings: Settings) -> datetime:
    """The latest moment of the schedule, UTC."""
    schedule = croniter(settings.factoid_schedule, datetime.now(UTC) + CLOCK_SLACK)
    return schedule.get_prev(datetime)
