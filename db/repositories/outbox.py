"""Jobs to run, stored in the transaction that causes them."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import OutboxRow

CHANNEL = "outbox"
"""Notified when a row is inserted, so that the relay need not wait for its next poll."""


class OutboxRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: str, key: str, arguments: dict[str, Any]) -> None:
        """Store a job; it runs if and only if this transaction commits."""
        await self._session.execute(
            insert(OutboxRow)
            .values(job=job, key=key, arguments=arguments)
            .on_conflict_do_nothing(index_elements=["key"])
        )
        await self._session.execute(select(func.pg_notify(CHANNEL, "")))

    async def claim_due(self, limit: int, offer_again_s: int) -> list[OutboxRow]:
        """Due rows, each returned to one relay only and due again later unless it is done."""
        due = (
            select(OutboxRow.id)
            .where(OutboxRow.due_at <= func.now())
            .order_by(OutboxRow.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = await self._session.scalars(
            update(OutboxRow)
            .where(OutboxRow.id.in_(due))
            .values(
                due_at=func.now() + timedelta(seconds=offer_again_s),
                attempts=OutboxRow.attempts + 1,
            )
            .returning(OutboxRow)
        )
        return list(rows)

    async def done(self, key: str) -> None:
        await self._session.execute(delete(OutboxRow).where(OutboxRow.key == key))

    async def postpone(self, key: str, delay_s: float) -> None:
        """Enqueue the job again after a delay."""
        await self._session.execute(
            update(OutboxRow)
            .where(OutboxRow.key == key)
            .values(due_at=func.now() + timedelta(seconds=delay_s))
        )

    async def attempts(self, key: str) -> int:
        """How often the job was enqueued."""
        found = await self._session.scalar(select(OutboxRow.attempts).where(OutboxRow.key == key))
        return found or 0
