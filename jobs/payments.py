"""Payments off the path of any request."""

import argparse
from uuid import UUID

from domain.payments.products import price_text
from domain.payments.reconciliation import PaymentDifference
from jobs.context import WorkerContext


async def tell_of_checkout(ctx: WorkerContext, *, happening: str, checkout_id: str) -> None:
    """Tell PostHog that a payment began, ended or went back. Run twice, it knows the second."""
    await ctx["services"].payments.analytics.tell(happening, UUID(checkout_id))


async def begin_wished_generation(ctx: WorkerContext, *, checkout_id: str) -> None:
    """Begin what was bought to be written. Run twice, the second finds it begun."""
    await ctx["services"].wishes.try_again(UUID(checkout_id))


async def reconcile_checkouts(ctx: WorkerContext) -> dict[str, int]:
    """Apply what Stripe knows and did not tell us. Run twice, the second finds it applied."""
    done = await ctx["services"].reconciliation.reconcile()
    return {"sessions": done.sessions, "events": done.events}


async def check_payments(ctx: WorkerContext) -> list[PaymentDifference]:
    """The payments whose entries are not what Stripe's figures say; each is told to the owner."""
    found = await ctx["services"].reconciliation.differences()
    if found:
        await ctx["services"].alerts.payments_differ()
    return found


async def check_payments_nightly(ctx: WorkerContext) -> dict[str, int]:
    return {"differences": len(await check_payments(ctx))}


async def refund_checkout(ctx: WorkerContext, given: argparse.Namespace) -> bool:
    """Send back what is left of a payment, and take the credits left of it."""
    done = await ctx["services"].refunds.refund(given.checkout)
    back, paid = (price_text(one, done.currency) for one in (done.refunded, done.paid))
    print(f"{back} of {paid} went back, and {done.revoked} credits of {done.credits} with it.")
    return True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `refund_checkout` is told."""
    parser.add_argument("checkout", type=UUID, help="its id, as the receipt shows it")


COMMANDS = {"refund_checkout": refund_checkout}
