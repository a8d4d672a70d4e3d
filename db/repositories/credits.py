"""Grants, holds and entries of credits."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import CreditEntry, CreditGrant, CreditHold

LOCK = text("SELECT lock_credits(:owner_id, :product)")
GRANT = text("SELECT grant_credits(:owner_id, :product, :amount, :checkout_id)")
HOLD = text("SELECT hold_credit(:owner_id, :product, :request_id)")
CLOSE = text("SELECT close_credit_hold(:request_id, :kind)")
OWE = text("SELECT set_credits_owed(:checkout_id, :amount)")

DIFFERENCES = text("""
SELECT coalesce(g.checkout_id, e.checkout_id)
  FROM credit_grants g
  FULL JOIN (SELECT checkout_id, sum(granted) AS granted, sum(held) AS held, sum(used) AS used,
      sum(revoked) AS revoked FROM credit_entries GROUP BY checkout_id) e USING (checkout_id)
  LEFT JOIN (SELECT checkout_id, count(*) FILTER (WHERE state = 'held') AS held,
      count(*) FILTER (WHERE state = 'used') AS used
      FROM credit_holds GROUP BY checkout_id) h USING (checkout_id)
  WHERE (g.granted, g.held, g.used, g.revoked)
      IS DISTINCT FROM (e.granted, e.held, e.used, e.revoked)
    OR (g.held, g.used) IS DISTINCT FROM (coalesce(h.held, 0), coalesce(h.used, 0))
UNION SELECT checkout_id
  FROM credit_holds JOIN generation_requests r ON r.id = request_id
  WHERE (state = 'held') <> (r.status IN ('queued', 'running'))
  ORDER BY 1
""")


@dataclass(frozen=True)
class CreditBalance:
    """An owner's credits of one product: the sums of all entries."""

    product: str
    granted: int
    """All credits ever bought."""
    held: int
    used: int
    revoked: int

    @property
    def left(self) -> int:
        return self.granted - self.held - self.used - self.revoked


class CreditRepository:
    """Each step locks the owner's credits of the product until the transaction ends."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def grant(self, owner_id: UUID, product: str, amount: int, checkout_id: UUID) -> None:
        """Grant what a checkout bought; a repeated call changes nothing."""
        await self._session.execute(
            GRANT,
            {
                "owner_id": owner_id,
                "product": product,
                "amount": amount,
                "checkout_id": checkout_id,
            },
        )

    async def hold(self, owner_id: UUID, product: str, request_id: UUID) -> bool:
        """Hold one credit of the oldest grant with any left for a request.

        Returns:
            Whether it is held: not when none is left, nor for a request that gave its own back.
        """
        held = await self._session.scalar(
            HOLD, {"owner_id": owner_id, "product": product, "request_id": request_id}
        )
        return bool(held)

    async def use(self, request_id: UUID) -> None:
        """What the credit was held for is delivered; without a held credit nothing happens."""
        await self._session.execute(CLOSE, {"request_id": request_id, "kind": "use"})

    async def give_back(self, request_id: UUID) -> None:
        """Nothing was delivered: the request's credit, held or used, can be used again.

        If its checkout owes any, because it was refunded meanwhile, it is revoked instead.
        """
        await self._session.execute(CLOSE, {"request_id": request_id, "kind": "give_back"})

    async def owe(self, checkout_id: UUID, amount: int) -> int:
        """Set how many of a checkout's credits are no longer paid for, after a refund or dispute.

        Free ones are revoked at once, held ones when they are given back, used ones never. A
        smaller amount than before restores the difference.

        Returns:
            How many are revoked now; 0 for a checkout that granted none.
        """
        revoked = await self._session.scalar(OWE, {"checkout_id": checkout_id, "amount": amount})
        return revoked or 0

    async def move(self, owner_id: UUID, to: UUID) -> None:
        """Give all grants of an owner to another, who has none so far."""
        products = select(CreditGrant.product).where(CreditGrant.owner_id == owner_id)
        for product in sorted(set(await self._session.scalars(products))):
            await self._session.execute(LOCK, {"owner_id": owner_id, "product": product})
        await self._session.execute(
            update(CreditGrant).where(CreditGrant.owner_id == owner_id).values(owner_id=to)
        )

    async def state(self, request_id: UUID) -> str | None:
        """`held`, `used` or `given_back`; None when the request draws on no credit."""
        return await self._session.scalar(
            select(CreditHold.state).where(CreditHold.request_id == request_id)
        )

    async def balances(self, owner_id: UUID) -> list[CreditBalance]:
        """One balance per product that was ever bought."""
        rows = await self._session.execute(
            select(
                CreditGrant.product,
                func.sum(CreditGrant.granted),
                func.sum(CreditGrant.held),
                func.sum(CreditGrant.used),
                func.sum(CreditGrant.revoked),
            )
            .where(CreditGrant.owner_id == owner_id)
            .group_by(CreditGrant.product)
            .order_by(CreditGrant.product)
        )
        return [CreditBalance(*row) for row in rows]

    async def entries(self, owner_id: UUID, limit: int) -> list[CreditEntry]:
        """The entries of all grants the owner has now, the newest first."""
        found = await self._session.scalars(
            select(CreditEntry)
            .join(CreditGrant, CreditGrant.checkout_id == CreditEntry.checkout_id)
            .where(CreditGrant.owner_id == owner_id)
            .order_by(CreditEntry.id.desc())
            .limit(limit)
        )
        return list(found)

    async def differences(self) -> list[UUID]:
        """Checkouts whose grant differs from the sum of its entries or holds, or that hold a credit
        for a finished request, or none for an open one.
        """
        return list(await self._session.scalars(DIFFERENCES))
