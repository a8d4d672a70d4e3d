"""Work that one worker at a time may go on with: taken, kept and let go by its row."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import ChatTurn, GenerationRequest

OPEN = ("queued", "running")

Row = TypeVar("Row", GenerationRequest, ChatTurn)


class Leases(Generic[Row]):
    """The part of a repository that hands out leases on its rows."""

    model: type[Row]

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, row_id: UUID) -> Row | None:
        return await self._session.get(self.model, row_id, populate_existing=True)

    async def lease(self, row_id: UUID, holder: UUID, lease_s: int) -> Row | None:
        """Take the row for this holder alone, or None when it is done or another has it."""
        model = self.model
        return await self._session.scalar(
            update(model)
            .where(
                model.id == row_id,
                model.status.in_(OPEN),
                or_(model.lease_until.is_(None), model.lease_until < func.now()),
            )
            .values(
                status="running",
                started_at=func.coalesce(model.started_at, func.now()),
                lease_holder=holder,
                lease_until=func.now() + timedelta(seconds=lease_s),
            )
            .returning(model)
            .execution_options(populate_existing=True)
        )

    async def renew_leases(self, held: Mapping[UUID, UUID], lease_s: int) -> dict[UUID, bool]:
        """Keep rows a while longer, by their holders: for each whether somebody asks to cancel.
        Holders whose row is done or another's are left out; two may have thought it theirs.
        """
        model = self.model
        renewed = await self._session.execute(
            update(model)
            .where(
                model.id.in_(held.values()), model.lease_holder.in_(held), model.status.in_(OPEN)
            )
            .values(lease_until=func.now() + timedelta(seconds=lease_s))
            .returning(model.lease_holder, model.cancel_requested_at.is_not(None))
            .execution_options(synchronize_session=False)
        )
        return {holder: asked for holder, asked in renewed if holder}

    async def holds_lease(self, row_id: UUID, holder: UUID) -> bool:
        """Whether the row is still this holder's; nobody can take it in this transaction."""
        held = select(self.model.id).where(*self._held(row_id, holder)).with_for_update()
        return await self._session.scalar(held) is not None

    async def drop_lease(self, row_id: UUID, holder: UUID) -> None:
        """Let another worker go on with the row at once."""
        await self._session.execute(
            update(self.model)
            .where(*self._held(row_id, holder))
            .values(lease_until=None, lease_holder=None)
        )

    async def ask_cancel(self, row_id: UUID) -> bool:
        """Leave word for the worker that has it; tells whether it was still under way."""
        asked = await self._session.scalar(
            update(self.model)
            .where(self.model.id == row_id, self.model.status.in_(OPEN))
            .values(cancel_requested_at=func.coalesce(self.model.cancel_requested_at, func.now()))
            .returning(self.model.id)
        )
        return asked is not None

    async def change(self, row_id: UUID, **values: Any) -> None:
        await self._session.execute(
            update(self.model).where(self.model.id == row_id).values(**values)
        )

    def _held(self, row_id: UUID, holder: UUID) -> list[ColumnElement[bool]]:
        return [
            self.model.id == row_id,
            self.model.lease_holder == holder,
            self.model.status.in_(OPEN),
        ]
