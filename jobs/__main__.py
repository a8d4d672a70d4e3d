"""Run one job now: `python -m jobs publish_scheduled_factoid`. Exits non-zero on failure."""

import argparse
import asyncio
import sys

from domain.errors import DomainError
from domain.infra.logging import configure_logging
from jobs.commands import keys, maintenance, payments
from jobs.commands.registry import COMMANDS
from jobs.services import WorkerServices
from settings.process import load_process

MODULES = (keys, maintenance, payments)
"""Importing them registers their commands."""


async def run(given: argparse.Namespace) -> int:
    settings = load_process()
    configure_logging(production=settings.production, level=settings.log_level)
    services = WorkerServices(settings)
    await services.open()
    try:
        return 0 if await COMMANDS[given.command].run(services, given) else 1
    except DomainError as refusal:
        print(f"Not done: {refusal.detail}", file=sys.stderr)
        return 1
    finally:
        await services.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in sorted(COMMANDS.items()):
        command.add_arguments(commands.add_parser(name, help=command.run.__doc__))
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
