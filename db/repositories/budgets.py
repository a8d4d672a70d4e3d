"""Budget pots, reservations and the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Numeric, String, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import BudgetPot, BudgetReservation

RESERVE = text("SELECT reserve_budget(:request_id, :day, :pots, :limits, :usd)").bindparams(
    bindparam("pots", type_=ARRAY(String)), bindparam("limits", type_=ARRAY(Numeric))
)
EXTEND = text("SELECT extend_budget(:request_id, :usd)")
SETTLE = text("SELECT settle_budget(:request_id, :usd, :kind)")

DIFFERENCES = text("""
SELECT coalesce(p.pot, e.pot) AS pot, coalesce(p.day, e.day) AS day,
    coalesce(p.reserved_usd, 0) AS reserved_usd,
    coalesce(e.reserved_usd, 0) AS entries_reserved_usd,
    coalesce(p.spent_usd, 0) AS spent_usd, coalesce(e.spent_usd, 0) AS entries_spent_usd
  FROM budget_pots p
  FULL JOIN (SELECT pot, day, sum(reserved_usd) AS reserved_usd, sum(spent_usd) AS spent_usd
      FROM ledger_entries GROUP BY pot, day) e ON e.pot = p.pot AND e.day = p.day
  WHERE coalesce(p.reserved_usd, 0) <> coalesce(e.reserved_usd, 0)
    OR coalesce(p.spent_usd, 0) <> coalesce(e.spent_usd, 0)
  ORDER BY 2, 1
""")


@dataclass(frozen=True)
class Difference:
    """A pot that is not the sum of its entries."""

    pot: str
    day: date
    reserved_usd: Decimal
    entries_reserved_usd: Decimal
    spent_usd: Decimal
    entries_spent_usd: Decimal


class BudgetRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def reserve(
        self, request_id: UUID, day: date, limits: Mapping[str, Decimal], usd: Decimal
    ) -> str | None:
        """Reserve an amount in every pot, each with its limit, or in none.

        Returns:
            The first pot without room for it, or None when it is reserved.
        """
        return await self._session.scalar(
            RESERVE,
            {
                "request_id": request_id,
                "day": day,
                "pots": list(limits),
                "limits": list(limits.values()),
                "usd": usd,
            },
        )

    async def extend(self, request_id: UUID, usd: Decimal) -> str | None:
        """Raise a request's reservation to this amount; a lower amount changes nothing.

        Returns:
            The first pot without room for it (`reservation` when the request has no open one), or
            None when it is reserved.
        """
        return await self._session.scalar(EXTEND, {"request_id": request_id, "usd": usd})

    async def settle(self, request_id: UUID, usd: Decimal) -> Decimal | None:
        """Book a request's total cost and free the rest of its reservation. Settled again with
        another amount, the difference is booked.

        Returns:
            The reserved amount, or None when there was no reservation.
        """
        return await self._close(request_id, usd, "settle")

    async def release(self, request_id: UUID) -> Decimal | None:
        """Free the reservation of a request that cost nothing; returns as `settle`."""
        return await self._close(request_id, Decimal(0), "release")

    async def _close(self, request_id: UUID, usd: Decimal, kind: str) -> Decimal | None:
        return await self._session.scalar(
            SETTLE, {"request_id": request_id, "usd": usd, "kind": kind}
        )

    async def reservation(self, request_id: UUID) -> BudgetReservation | None:
        return await self._session.get(BudgetReservation, request_id, populate_existing=True)

    async def open_for(self, age_s: float) -> list[BudgetReservation]:
        """Reservations that have been open for `age_s` seconds, the oldest first."""
        found = await self._session.scalars(
            select(BudgetReservation)
            .where(
                BudgetReservation.state == "open",
                BudgetReservation.created_at < func.now() - timedelta(seconds=age_s),
            )
            .order_by(BudgetReservation.created_at)
            .limit(1_000)
        )
        return list(found)

    async def pots(self, day: date, names: Sequence[str]) -> dict[str, BudgetPot]:
        """The pots of a day by name; unused ones are missing."""
        found = await self._session.scalars(
            select(BudgetPot)
            .where(BudgetPot.day == day, BudgetPot.pot.in_(names))
            .execution_options(populate_existing=True)
        )
        return {pot.pot: pot for pot in found}

    async def pots_since(self, day: date, names: Sequence[str]) -> list[BudgetPot]:
        """The pots of a day and those after it, the oldest first."""
        found = await self._session.scalars(
            select(BudgetPot)
            .where(BudgetPot.day >= day, BudgetPot.pot.in_(names))
            .order_by(BudgetPot.day, BudgetPot.pot)
            .execution_options(populate_existing=True)
        )
        return list(found)

    async def record_refusal(self, pot: str, day: date, limit_usd: Decimal) -> None:
        """Remember that a pot had no room for something."""
        await self._session.execute(
            insert(BudgetPot).values(pot=pot, day=day, limit_usd=limit_usd).on_conflict_do_nothing()
        )
        # Without waiting for those who draw on the pot, once it is known.
        await self._session.execute(
            update(BudgetPot)
            .where(BudgetPot.pot == pot, BudgetPot.day == day, BudgetPot.refused_at.is_(None))
            .values(refused_at=func.now())
        )

    async def beyond_quotes(self, since: date) -> list[tuple[date, Decimal, Decimal]]:
        """Days on which requests cost more than was held for them: the costs, what was held."""
        rows = await self._session.execute(
            select(
                BudgetReservation.day,
                func.sum(BudgetReservation.spent_usd),
                func.sum(BudgetReservation.amount_usd),
            )
            .where(
                BudgetReservation.spent_usd > BudgetReservation.amount_usd,
                BudgetReservation.day >= since,
            )
            .group_by(BudgetReservation.day)
        )
        return [(row[0], row[1], row[2]) for row in rows]

    async def differences(self) -> list[Difference]:
        """The pots that are not the sum of their entries."""
        rows = await self._session.execute(DIFFERENCES)
        return [Difference(**row._mapping) for row in rows]  # pyright: ignore[reportPrivateUsage]
