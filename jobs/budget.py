"""Keep the books: nothing stays held, and every pot is the sum of its entries."""

from datetime import date
from uuid import UUID

import structlog

from db.repositories.budgets import BudgetRepository, Difference
from db.repositories.credits import CreditRepository
from domain import orphaned_holds
from jobs.context import WorkerContext

log = structlog.get_logger()


async def release_orphaned_holds(ctx: WorkerContext) -> dict[str, int]:
    """Settle or let go of money held for dead work. Run twice, the second finds it seen to."""
    return {"held": await orphaned_holds.release_orphans(ctx["services"].database.sessions)}


async def watch_budget(ctx: WorkerContext) -> dict[str, int]:
    """Write down what there is to tell. Run twice, the second finds it written down."""
    return {"alerts": await ctx["services"].alerts.watch()}


async def send_budget_alert(
    ctx: WorkerContext, *, pot: str, day: str, level: str, channel: str
) -> None:
    """Tell one channel one thing. Run twice, the second finds it told or being told."""
    await ctx["services"].alerts.send(pot, date.fromisoformat(day), level, channel)


async def check_ledger(ctx: WorkerContext) -> list[Difference]:
    """The pots that are not the sum of their entries; each is logged."""
    async with ctx["services"].database.sessions() as session:
        found = await BudgetRepository(session).differences()
    for one in found:
        log.error(
            "ledger_differs",
            pot=one.pot,
            day=one.day.isoformat(),
            reserved_usd=str(one.reserved_usd),
            entries_reserved_usd=str(one.entries_reserved_usd),
            spent_usd=str(one.spent_usd),
            entries_spent_usd=str(one.entries_spent_usd),
        )
    return found


async def check_credits(ctx: WorkerContext) -> list[UUID]:
    """Checkouts whose credits are not the sum of their entries; each is logged."""
    async with ctx["services"].database.sessions() as session:
        found = await CreditRepository(session).differences()
    for checkout_id in found:
        log.error("credits_differ", checkout=str(checkout_id))
    return found


async def check_ledger_nightly(ctx: WorkerContext) -> dict[str, int]:
    return {"differences": len(await check_ledger(ctx)) + len(await check_credits(ctx))}
