"""Commands about API keys and visitors; whoever can run them is staff."""

from argparse import ArgumentTypeError, Namespace
from datetime import timedelta
from decimal import Decimal
from typing import get_args
from uuid import UUID

from domain.accounts.keys import Scope
from domain.accounts.service import FREE_SCOPES
from domain.caller import STAFF, Caller
from domain.limits.policies import parse_windows
from jobs.commands.registry import argument, command
from jobs.services import WorkerServices

DAYS = 365


def _scopes(text: str) -> list[str]:
    scopes = text.split(",")
    if unknown := set(scopes) - set(get_args(Scope)):
        raise ArgumentTypeError(f"no such scope: {', '.join(sorted(unknown))}")
    return scopes


def _windows(text: str) -> str:
    parse_windows(text)
    return text


def _usd(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except ArithmeticError:
        raise ArgumentTypeError("not an amount") from None
    if not amount.is_finite() or amount < 0:
        raise ArgumentTypeError("not an amount")
    return amount


ID = argument("id", type=UUID)
WINDOWS = argument("--windows", type=_windows, help="generations: 5/60,200/86400")
BUDGET = argument("--budget-usd", type=_usd, help="the most it may spend a UTC day")


@command(
    argument("name", help="to know it again by"),
    argument("--scopes", type=_scopes, default=list(FREE_SCOPES), help="a,b,c"),
    argument("--days", type=int, default=DAYS, help="how long it lives"),
    WINDOWS,
    BUDGET,
)
async def make_key(services: WorkerServices, given: Namespace) -> bool:
    """Make an API key of the site's owner and show it, this once."""
    made = await services.accounts.make_key(
        STAFF,
        given.name,
        scopes=given.scopes,
        life=timedelta(days=given.days),
        rate_limit=given.windows,
        budget_usd=given.budget_usd,
    )
    print(f"{made.key.id}\n{made.token}")
    return True


@command()
async def list_keys(services: WorkerServices, _: Namespace) -> bool:
    """List the newest API keys with what they were used for today."""
    for used in await services.accounts.list_keys(STAFF):
        key, today = used.key, used.today
        state = "revoked" if key.revoked_at else f"until {key.expires_at:%Y-%m-%d}"
        budget = f" of {key.budget_usd:f}" if key.budget_usd is not None else ""
        print(
            f"{key.id}  …{key.last4}  {state}  {','.join(key.scopes)}"
            f"  {today.generations} made for {today.spent_usd:f}{budget} USD"
            f"  {key.rate_limit or 'usual limits'}  {key.name}"
        )
    return True


@command(ID, WINDOWS, BUDGET)
async def raise_key(services: WorkerServices, given: Namespace) -> bool:
    """Give an API key limits or a budget of its own."""
    key = await services.accounts.raise_key(
        STAFF, given.id, rate_limit=given.windows, budget_usd=given.budget_usd
    )
    budget = "the usual budget" if key.budget_usd is None else f"{key.budget_usd:f} USD a day"
    print(f"{key.name}: {key.rate_limit or 'usual limits'}, {budget}.")
    return True


@command(ID)
async def revoke_key(services: WorkerServices, given: Namespace) -> bool:
    """Make an API key open nothing, everywhere within five seconds."""
    await services.accounts.revoke_key(STAFF, given.id)
    print("Revoked.")
    return True


@command(ID)
async def sign_out(services: WorkerServices, given: Namespace) -> bool:
    """Sign a visitor out, and revoke their keys."""
    await services.accounts.sign_out(Caller("visitor", given.id, None), lose_credits=True)
    print("Signed out.")
    return True
