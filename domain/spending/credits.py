"""Credits: bought once, held while a request is under way, used when it is delivered.

`CreditRepository` keeps the ledger. Here is what needs the checkouts, too, or knows the callers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import CreditEntry
from db.repositories.credits import CreditBalance, CreditRepository
from db.repositories.payments import CheckoutRepository
from domain.caller import Caller

GENERATIONS = "booster_pack"
"""The product whose credits are new factoids."""

MESSAGES = "chat"
"""The product whose credits are messages to the chat agent."""

HELD = "held"
"""The state of a request's credit while the request is under way."""

HISTORY_AT_MOST = 100


async def credits_left(session: AsyncSession, owner: UUID | None, product: str) -> int:
    """How many credits of a product an owner can use now."""
    if owner is None:
        return 0
    balances = await CreditRepository(session).balances(owner)
    return sum(balance.left for balance in balances if balance.product == product)


async def has_credits(session: AsyncSession, owner: UUID) -> bool:
    """Whether an owner has usable or held credits, or a payment that may still bring some."""
    balances = await CreditRepository(session).balances(owner)
    if any(balance.left or balance.held for balance in balances):
        return True
    return await CheckoutRepository(session).any_undecided(owner)


async def transfer_purchases(session: AsyncSession, owner: UUID, *, to: UUID) -> None:
    """Give all payments and credits of an owner to their new identity."""
    # Locked in the order in which payments are settled: the checkout, then its credits.
    await CheckoutRepository(session).move(owner, to)
    await CreditRepository(session).move(owner, to)


@dataclass(frozen=True)
class CreditAccount:
    """Balances and their history; empty for those who never bought anything."""

    balances: Sequence[CreditBalance] = ()
    history: Sequence[CreditEntry] = ()


class CreditAccounts:
    """What callers see of their credits. Opens its own sessions."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def of(self, caller: Caller) -> CreditAccount:
        """The caller's own account, or that of the visitor who made the API key."""
        if caller.owner is None:
            return CreditAccount()
        async with self._sessions() as session:
            credits = CreditRepository(session)
            return CreditAccount(
                await credits.balances(caller.owner),
                await credits.entries(caller.owner, HISTORY_AT_MOST),
            )
