"""Jobs of payments."""

from uuid import UUID

from domain.payments.analytics import CAPTURE_CHECKOUT_EVENT
from domain.payments.post_purchase import BEGIN_POST_PURCHASE_GENERATION
from domain.payments.reconciliation import PaymentDifference
from jobs.context import WorkerContext
from jobs.functions import cron, runs
from jobs.services import WorkerServices


@runs(CAPTURE_CHECKOUT_EVENT)
async def capture_checkout_event(ctx: WorkerContext, *, event: str, checkout_id: str) -> None:
    """Send a payment event to PostHog, which ignores repeats of its id."""
    await ctx["services"].payments.analytics.send(event, UUID(checkout_id))


@runs(BEGIN_POST_PURCHASE_GENERATION)
async def begin_post_purchase_generation(ctx: WorkerContext, *, checkout_id: str) -> None:
    """Retry the generation ordered with a purchase; a second run finds it started."""
    await ctx["services"].post_purchase.retry(UUID(checkout_id))


@cron("13 * * * *", timeout_s=600)
async def reconcile_checkouts(ctx: WorkerContext) -> dict[str, int]:
    """Apply payments whose webhooks were lost; a second run finds them applied."""
    done = await ctx["services"].reconciliation.reconcile()
    return {"sessions": done.sessions, "events": done.events}


@cron("43 3 * * *", timeout_s=1_800)
async def check_payments_nightly(ctx: WorkerContext) -> dict[str, int]:
    return {"differences": len(await check_payments(ctx["services"]))}


async def check_payments(services: WorkerServices) -> list[PaymentDifference]:
    """The payments whose entries differ from Stripe's figures; each of them alerts the owner."""
    found = await services.reconciliation.differences()
    if found:
        await services.alerts.payments_differ()
    return found
