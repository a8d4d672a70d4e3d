"""Run one job now: `python -m jobs publish_scheduled_factoid`. Exits non-zero on failure."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import cast

from domain.errors import DomainError
from domain.factoids.fixtures import load_factoids
from domain.infra.logging import configure_logging
from jobs import accounts, budget, generation, maintenance, payments
from jobs.context import WorkerContext
from jobs.services import WorkerServices
from settings.process import load_process


async def publish_scheduled_factoid(ctx: WorkerContext) -> bool:
    """Publish the current slot's factoid, unless it is there already."""
    await maintenance.refresh_models(ctx)
    request = await generation.publish_now(ctx)
    if request.status != "succeeded":
        print(f"No factoid: {request.problem_detail}", file=sys.stderr)
        return False
    print(f"Published factoid {request.factoid_id} for {request.cost_usd} US dollars.")
    return True


async def load_first_factoids(ctx: WorkerContext) -> bool:
    """Publish the seeded factoids that are not there yet."""
    print(f"Loaded {await load_factoids(ctx['services'].database.sessions)} factoids.")
    return True


async def refresh_models(ctx: WorkerContext) -> bool:
    """Read OpenRouter's catalogue anew."""
    found = await maintenance.refresh_models(ctx)
    print(f"{found['models']} models may be used.")
    return found["models"] > 0


async def refresh_hot_ranks(ctx: WorkerContext) -> bool:
    """Let the ranks of young factoids sink with their age."""
    await maintenance.refresh_hot_ranks(ctx)
    return True


async def check_ledger(ctx: WorkerContext) -> bool:
    """Prove that every budget pot, and every credit, is the sum of its ledger entries."""
    differences = await budget.check_ledger(ctx)
    for one in differences:
        print(
            f"{one.pot} of {one.day}: {one.reserved_usd} held and {one.spent_usd} spent, but its"
            f" entries say {one.entries_reserved_usd} and {one.entries_spent_usd}.",
            file=sys.stderr,
        )
    print("The pots differ from their entries." if differences else "The ledger is right.")
    credits = await budget.check_credits(ctx)
    for checkout_id in credits:
        print(f"The credits of checkout {checkout_id} differ from their entries.", file=sys.stderr)
    return not differences and not credits


async def reconcile_checkouts(ctx: WorkerContext) -> bool:
    """Apply what Stripe knows of payments and did not tell us."""
    done = await payments.reconcile_checkouts(ctx)
    print(f"{done['sessions']} unfinished payments compared, {done['events']} lost events applied.")
    return True


async def check_payments(ctx: WorkerContext) -> bool:
    """Prove that the entries of every payment are what Stripe's figures say."""
    differences = await payments.check_payments(ctx)
    for one in differences:
        print(
            f"{one.checkout.id}: {one.entries} by our entries, {one.at_stripe} at Stripe.",
            file=sys.stderr,
        )
    print("Payments differ from Stripe." if differences else "The payments are right.")
    return not differences


COMMANDS = accounts.COMMANDS | payments.COMMANDS

JOBS: dict[str, Callable[[WorkerContext], Awaitable[bool]]] = {
    "check_ledger": check_ledger,
    "check_payments": check_payments,
    "load_factoids": load_first_factoids,
    "publish_scheduled_factoid": publish_scheduled_factoid,
    "reconcile_checkouts": reconcile_checkouts,
    "refresh_hot_ranks": refresh_hot_ranks,
    "refresh_models": refresh_models,
}


async def run(given: argparse.Namespace) -> int:
    settings = load_process()
    configure_logging(production=settings.production, level=settings.log_level)
    services = WorkerServices(settings)
    await services.open()
    ctx = cast(WorkerContext, {"services": services})
    try:
        if command := COMMANDS.get(given.job):
            return 0 if await command(ctx, given) else 1
        return 0 if await JOBS[given.job](ctx) else 1
    except DomainError as refusal:
        print(f"Not done: {refusal.detail}", file=sys.stderr)
        return 1
    finally:
        await services.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True, metavar="job")
    for name, job in sorted((JOBS | COMMANDS).items()):
        command = jobs.add_parser(name, help=job.__doc__)
        accounts.add_arguments(name, command)
        if name in payments.COMMANDS:
            payments.add_arguments(command)
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
