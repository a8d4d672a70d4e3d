"""Alerts: stored, claimed by a sender and marked as sent."""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import BudgetAlert

CLAIM_S = 60
"""How long a claim lasts; longer than any channel may take."""


class AlertRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, alert: BudgetAlert) -> bool:
        """Insert it; returns whether it was new."""
        values = {
            name: getattr(alert, name)
            for name in (
                *("pot", "day", "level", "channel"),
                *("used_usd", "limit_usd", "detected_at"),
            )
        }
        added = await self._session.execute(
            insert(BudgetAlert).values(values).on_conflict_do_nothing().returning(BudgetAlert.level)
        )
        return added.one_or_none() is not None

    async def claim(self, pot: str, day: date, level: str, channel: str) -> BudgetAlert | None:
        """Claim the alert for one sender; None when it is sent or claimed by another sender."""
        return await self._session.scalar(
            update(BudgetAlert)
            .where(
                *_is(pot, day, level, channel),
                BudgetAlert.sent_at.is_(None),
                or_(
                    BudgetAlert.claimed_at.is_(None),
                    BudgetAlert.claimed_at < func.now() - timedelta(seconds=CLAIM_S),
                ),
            )
            .values(claimed_at=func.now())
            .returning(BudgetAlert)
        )

    async def is_open(self, pot: str, day: date, level: str, channel: str) -> bool:
        """Whether it has not been sent yet."""
        found = await self._session.scalar(
            select(BudgetAlert.level).where(
                *_is(pot, day, level, channel), BudgetAlert.sent_at.is_(None)
            )
        )
        return found is not None

    async def release(self, pot: str, day: date, level: str, channel: str) -> None:
        await self._session.execute(
            update(BudgetAlert).where(*_is(pot, day, level, channel)).values(claimed_at=None)
        )

    async def mark_sent(self, pot: str, day: date, level: str, channel: str) -> None:
        await self._session.execute(
            update(BudgetAlert).where(*_is(pot, day, level, channel)).values(sent_at=func.now())
        )


def _is(pot: str, day: date, level: str, channel: str) -> list[ColumnElement[bool]]:
    return [
        BudgetAlert.pot == pot,
        BudgetAlert.day == day,
        BudgetAlert.level == level,
        BudgetAlert.channel == channel,
    ]
