"""Commands that run scheduled jobs now, and the one that loads the seeded factoids."""

import sys
from argparse import Namespace

from db.repositories.factoids import FactoidRepository
from domain.factoids import fixtures
from jobs import budget, generation, maintenance
from jobs.commands.registry import command
from jobs.services import WorkerServices


@command()
async def publish_scheduled_factoid(services: WorkerServices, _: Namespace) -> bool:
    """Publish the current slot's factoid, unless it is there already."""
    await maintenance.refresh_catalogue(services)
    request = await generation.publish_now(services)
    if request.status != "succeeded":
        print(f"No factoid: {request.problem_detail}", file=sys.stderr)
        return False
    print(f"Published factoid {request.factoid_id} for {request.cost_usd} US dollars.")
    return True


@command()
async def load_factoids(services: WorkerServices, _: Namespace) -> bool:
    """Publish the seeded factoids that are not there yet."""
    print(f"Loaded {await fixtures.load_factoids(services.database.sessions)} factoids.")
    return True


@command()
async def refresh_models(services: WorkerServices, _: Namespace) -> bool:
    """Read OpenRouter's catalogue anew."""
    models = await maintenance.refresh_catalogue(services)
    print(f"{models} models may be used.")
    return models > 0


@command()
async def refresh_hot_ranks(services: WorkerServices, _: Namespace) -> bool:
    """Let the ranks of young factoids sink with their age."""
    async with services.database.sessions.begin() as session:
        await FactoidRepository(session).refresh_hot_ranks()
    return True


@command()
async def check_ledger(services: WorkerServices, _: Namespace) -> bool:
    """Prove that every budget pot, and every credit, is the sum of its ledger entries."""
    differences = await budget.check_ledger(services)
    for pot in differences:
        print(
            f"{pot.pot} of {pot.day}: {pot.reserved_usd} held and {pot.spent_usd} spent, but its"
            f" entries say {pot.entries_reserved_usd} and {pot.entries_spent_usd}.",
            file=sys.stderr,
        )
    print("The pots differ from their entries." if differences else "The ledger is right.")
    credits = await budget.check_credits(services)
    for checkout_id in credits:
        print(f"The credits of checkout {checkout_id} differ from their entries.", file=sys.stderr)
    return not differences and not credits
