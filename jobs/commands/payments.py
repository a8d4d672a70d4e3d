"""Commands about payments."""

import sys
from argparse import Namespace
from uuid import UUID

from domain.payments.products import price_text
from jobs import payments
from jobs.commands.registry import argument, command
from jobs.services import WorkerServices


@command(argument("checkout", type=UUID, help="its id, as the receipt shows it"))
async def refund_checkout(services: WorkerServices, given: Namespace) -> bool:
    """Send back what is left of a payment, and take the credits left of it."""
    done = await services.refunds.refund(given.checkout)
    refunded = price_text(done.refunded, done.currency)
    paid = price_text(done.paid, done.currency)
    print(f"{refunded} of {paid} went back, and {done.revoked} credits of {done.credits} with it.")
    return True


@command()
async def reconcile_checkouts(services: WorkerServices, _: Namespace) -> bool:
    """Apply what Stripe knows of payments and did not tell us."""
    done = await services.reconciliation.reconcile()
    print(f"{done.sessions} unfinished payments compared, {done.events} lost events applied.")
    return True


@command()
async def check_payments(services: WorkerServices, _: Namespace) -> bool:
    """Prove that the entries of every payment are what Stripe's figures say."""
    differences = await payments.check_payments(services)
    for difference in differences:
        print(
            f"{difference.checkout.id}: {difference.entries} by our entries,"
            f" {difference.at_stripe} at Stripe.",
            file=sys.stderr,
        )
    print("Payments differ from Stripe." if differences else "The payments are right.")
    return not differences
