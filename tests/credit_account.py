"""Somebody who has bought credits, and what the ledger says of them."""

from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.credits import CreditRepository
from db.session import Database
from domain.spending.credits import GENERATIONS, Credits


class Account:
    """Somebody's credits; each step is a transaction of its own."""

    def __init__(
        self, database: Database, owner: UUID | None = None, *, product: str = GENERATIONS
    ) -> None:
        self.owner, self._database, self._credits = owner or uuid4(), database, Credits()
        self._product = product

    async def buy(self, amount: int, checkout_id: UUID | None = None) -> UUID:
        checkout_id = checkout_id or uuid4()
        async with self._database.sessions.begin() as session:
            await self.grant(session, amount, checkout_id)
        return checkout_id

    async def grant(self, session: AsyncSession, amount: int, checkout_id: UUID) -> None:
        """In a transaction that goes on."""
        await self._credits.grant(
            session, self.owner, self._product, amount, checkout_id=checkout_id
        )

    async def hold(self, request_id: UUID | None = None) -> UUID | None:
        request_id = request_id or uuid4()
        async with self._database.sessions.begin() as session:
            held = await self._credits.hold(
                session, self.owner, self._product, request_id=request_id
            )
        return request_id if held else None

    async def use(self, request_id: UUID | None) -> None:
        assert request_id
        async with self._database.sessions.begin() as session:
            await self._credits.use(session, request_id=request_id)

    async def give_back(self, request_id: UUID | None) -> None:
        assert request_id
        async with self._database.sessions.begin() as session:
            await self._credits.give_back(session, request_id=request_id)

    async def revoke(self, checkout_id: UUID, amount: int) -> int:
        async with self._database.sessions.begin() as session:
            return await self._credits.revoke(session, checkout_id=checkout_id, amount=amount)

    async def restore(self, checkout_id: UUID) -> None:
        async with self._database.sessions.begin() as session:
            await self._credits.restore(session, checkout_id=checkout_id)

    async def balance(self) -> tuple[int, int, int, int]:
        """Left, held, used, revoked."""
        async with self._database.sessions() as session:
            (one,) = await self._credits.balances(session, self.owner)
        return one.left, one.held, one.used, one.revoked

    async def kinds(self) -> list[str]:
        """The history, oldest first."""
        async with self._database.sessions() as session:
            return [one.kind for one in await self._credits.history(session, self.owner)][::-1]


async def differing(database: Database) -> list[UUID]:
    """Checkouts whose credits are not the sum of their entries."""
    async with database.sessions() as session:
        return await CreditRepository(session).differences()
