"""Credits: bought once, held while something is being made, used when it is delivered.

A ledger written by functions in the database; see
`db/migrations/versions/2026_11_21_keep_credits.py`.
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
"""How a request's credit stands while it is under way."""

SHOWN = 100


class Credits:
    """Every step belongs to the caller's transaction, and repeated it does nothing more."""

    async def grant(
        self, session: AsyncSession, owner: UUID, product: str, amount: int, *, checkout_id: UUID
    ) -> None:
        """Credit what a checkout bought, once."""
        await CreditRepository(session).grant(owner, product, amount, checkout_id)

    async def hold(
        self, session: AsyncSession, owner: UUID, product: str, *, request_id: UUID
    ) -> bool:
        """Set one credit aside for a request.

        Returns:
            Whether it is: not when none is left, nor for a request that gave its own back.
        """
        return await CreditRepository(session).hold(owner, product, request_id)

    async def use(self, session: AsyncSession, *, request_id: UUID) -> None:
        """What the request's credit was held for is delivered; without one this is nothing."""
        await CreditRepository(session).use(request_id)

    async def give_back(self, session: AsyncSession, *, request_id: UUID) -> None:
        """Nothing was delivered: the request's credit, held or used, can be used again.

        If its checkout owes any, because the money went back meanwhile, it is revoked instead.
        """
        await CreditRepository(session).give_back(request_id)

    async def revoke(self, session: AsyncSession, *, checkout_id: UUID, amount: int) -> int:
        """The money for so many of a checkout's credits, in all, went back to the buyer.

        Those left are revoked at once, those held if they are ever given back, those used never.
        A smaller amount than before brings the difference back.

        Returns:
            How many are revoked in all; 0 for a checkout that granted none.
        """
        return await CreditRepository(session).owe(checkout_id, amount)

    async def restore(self, session: AsyncSession, *, checkout_id: UUID) -> None:
        """The money came back to us: so does all that was revoked."""
        await CreditRepository(session).owe(checkout_id, 0)

    async def carry(self, session: AsyncSession, owner: UUID, *, to: UUID) -> None:
        """Let all that somebody bought, credits and payments, be theirs under a new identity."""
        # In the order of those who settle a payment: it first, then its credits.
        await CheckoutRepository(session).move(owner, to)
        await CreditRepository(session).move(owner, to)

    async def balances(self, session: AsyncSession, owner: UUID) -> list[CreditBalance]:
        """What somebody has, by product; those never bought are missing."""
        return await CreditRepository(session).balances(owner)

    async def any_left(self, session: AsyncSession, owner: UUID) -> bool:
        """Whether somebody has credits that they may use, or that may come back, or are just
        buying some.
        """
        if any(one.left or one.held for one in await self.balances(session, owner)):
            return True
        return await CheckoutRepository(session).any_undecided(owner)

    async def left(self, session: AsyncSession, owner: UUID | None, product: str) -> int:
        """How many credits of one product somebody may use now."""
        if owner is None:
            return 0
        balances = await self.balances(session, owner)
        return sum(one.left for one in balances if one.product == product)

    async def history(self, session: AsyncSession, owner: UUID) -> list[CreditEntry]:
        """The last hundred movements, newest first."""
        return await CreditRepository(session).entries(owner, SHOWN)


@dataclass(frozen=True)
class CreditAccount:
    """What somebody has and how it came to be; empty for those who never bought anything."""

    balances: Sequence[CreditBalance] = ()
    history: Sequence[CreditEntry] = ()


class CreditAccounts:
    """Credits as those who have them see them. Opens its own sessions."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def of(self, caller: Caller) -> CreditAccount:
        """The caller's own, or those of the visitor who made the API key."""
        if caller.owner is None:
            return CreditAccount()
        credits = Credits()
        async with self._sessions() as session:
            return CreditAccount(
                await credits.balances(session, caller.owner),
                await credits.history(session, caller.owner),
            )
