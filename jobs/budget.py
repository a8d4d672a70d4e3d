"""Jobs of the ledger: release orphaned holds, alert, and check that pots equal their entries."""

from datetime import date
from uuid import UUID

import structlog

from db.repositories.budgets import BudgetRepository, Difference
from db.repositories.credits import CreditRepository
from domain import orphaned_holds
from domain.spending.alerts import SEND_BUDGET_ALERT
from jobs.context import WorkerContext
from jobs.functions import cron, runs
from jobs.services import WorkerServices

log = structlog.get_logger()


@cron("* * * * *", timeout_s=50)
async def release_orphaned_holds(ctx: WorkerContext) -> dict[str, int]:
    """Settle or release money held for dead work; a second run finds nothing held."""
    return {"held": await orphaned_holds.release_orphans(ctx["services"].database.sessions)}


@cron("* * * * *", timeout_s=50)
async def watch_budget(ctx: WorkerContext) -> dict[str, int]:
    """Record new budget alerts; a second run finds them recorded."""
    return {"alerts": await ctx["services"].alerts.watch()}


@runs(SEND_BUDGET_ALERT)
async def send_budget_alert(
    ctx: WorkerContext, *, pot: str, day: str, level: str, channel: str
) -> None:
    """Send one alert through one channel; a second run finds it sent or being sent."""
    await ctx["services"].alerts.send(pot, date.fromisoformat(day), level, channel)


@cron("23 3 * * *", timeout_s=600)
async def check_ledger_nightly(ctx: WorkerContext) -> dict[str, int]:
    services = ctx["services"]
    differing = len(await check_ledger(services)) + len(await check_credits(services))
    return {"differences": differing}


async def check_ledger(services: WorkerServices) -> list[Difference]:
    """The pots that are not the sum of their entries; each is logged."""
    async with services.database.sessions() as session:
        found = await BudgetRepository(session).differences()
    for difference in found:
        log.error(
            "ledger_differs",
            pot=difference.pot,
            day=difference.day.isoformat(),
            reserved_usd=str(difference.reserved_usd),
            entries_reserved_usd=str(difference.entries_reserved_usd),
            spent_usd=str(difference.spent_usd),
            entries_spent_usd=str(difference.entries_spent_usd),
        )
    return found


async def check_credits(services: WorkerServices) -> list[UUID]:
    """Checkouts whose credits are not the sum of their entries; each is logged."""
    async with services.database.sessions() as session:
        found = await CreditRepository(session).differences()
    for checkout_id in found:
        log.error("credits_differ", checkout=str(checkout_id))
    return found
