"""Somebody who has bought credits, and what the ledger says of them."""

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.credits import CreditRepository
from db.session import Database
from domain.spending.credits import GENERATIONS


class Account:
    """Somebody's credits; each step is a transaction of its own."""

    def __init__(
        self, database: Database, owner: UUID | None = None, *, product: str = GENERATIONS
    ) -> None:
        self.owner, self._database = owner or uuid4(), database
        self._product = product

    async def buy(self, amount: int, checkout_id: UUID | None = None) -> UUID:
        checkout_id = checkout_id or uuid4()
        async with self._database.sessions.begin() as session:
            await self.grant(session, amount, checkout_id)
        return checkout_id

    async def grant(self, session: AsyncSession, amount: int, checkout_id: UUID) -> None:
        """In a transaction that goes on."""
        await CreditRepository(session).grant(self.owner, self._product, amount, checkout_id)

    async def hold(self, request_id: UUID | None = None) -> UUID | None:
        request_id = request_id or uuid4()
        async with self._database.sessions.begin() as session:
            held = await CreditRepository(session).hold(self.owner, self._product, request_id)
        return request_id if held else None

    async def use(self, request_id: UUID | None) -> None:
        assert request_id
        async with self._database.sessions.begin() as session:
            await CreditRepository(session).use(request_id)

    async def give_back(self, request_id: UUID | None) -> None:
        assert request_id
        async with self._database.sessions.begin() as session:
            await CreditRepository(session).give_back(request_id)

    async def revoke(self, checkout_id: UUID, amount: int) -> int:
        async with self._database.sessions.begin() as session:
            return await CreditRepository(session).owe(checkout_id, amount)

    async def restore(self, checkout_id: UUID) -> None:
        async with self._database.sessions.begin() as session:
            await CreditRepository(session).owe(checkout_id, 0)

    async def balance(self) -> tuple[int, int, int, int]:
        """Left, held, used, revoked."""
        async with self._database.sessions() as session:
            (balance,) = await CreditRepository(session).balances(self.owner)
        return balance.left, balance.held, balance.used, balance.revoked

    async def kinds(self) -> list[str]:
        """The history, oldest first."""
        async with self._database.sessions() as session:
            entries = await CreditRepository(session).entries(self.owner, 100)
        return [entry.kind for entry in entries][::-1]


async def differing(database: Database) -> list[UUID]:
    """Checkouts whose credits are not the sum of their entries."""
    async with database.sessions() as session:
        return await CreditRepository(session).differences()
