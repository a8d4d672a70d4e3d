"""Runs of paid model work and their calls: leased, continued and released by their rows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.models.model_run import OPEN, ModelRun, PaidCall

Run = TypeVar("Run", bound=ModelRun)
Call = TypeVar("Call", bound=PaidCall)


class ModelRunRepository(Generic[Run, Call]):
    """What the repositories of both kinds of runs share."""

    run_model: type[Run]
    call_model: type[Call]
    call_run_id: str
    """The column of a call that names its run."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, run_id: UUID) -> Run | None:
        return await self._session.get(self.run_model, run_id, populate_existing=True)

    async def change(self, run_id: UUID, **values: Any) -> None:
        await self._session.execute(
            update(self.run_model).where(self.run_model.id == run_id).values(**values)
        )

    async def calls(self, run_id: UUID) -> list[Call]:
        """In the order in which they were made."""
        found = await self._session.scalars(
            select(self.call_model)
            .filter_by(**{self.call_run_id: run_id})
            .order_by(self.call_model.number)
            .execution_options(populate_existing=True)
        )
        return list(found)

    async def add_call(self, call: Call) -> None:
        self._session.add(call)
        await self._session.flush()

    async def change_call(self, call: Call, **values: Any) -> None:
        """Change the row of a call; the object given keeps its values."""
        run_id = getattr(call, self.call_run_id)
        await self._session.execute(
            update(self.call_model)
            .filter_by(**{self.call_run_id: run_id}, number=call.number)
            .values(**values)
        )

    async def lease(self, run_id: UUID, holder: UUID, lease_s: int) -> Run | None:
        """Lease a run to this holder alone; None when it is finished or leased to another."""
        model = self.run_model
        return await self._session.scalar(
            update(model)
            .where(
                model.id == run_id,
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
        """Renew the leases of runs by their holders.

        Returns:
            For each holder whether cancellation is requested. Holders whose run is finished or
            leased to another are missing; two holders may believe that one run is theirs.
        """
        model = self.run_model
        renewed = await self._session.execute(
            update(model)
            .where(
                model.id.in_(held.values()), model.lease_holder.in_(held), model.status.in_(OPEN)
            )
            .values(lease_until=func.now() + timedelta(seconds=lease_s))
            .returning(model.lease_holder, model.cancel_requested_at.is_not(None))
            .execution_options(synchronize_session=False)
        )
        return {holder: cancelled for holder, cancelled in renewed if holder}

    async def lock_if_leased(self, run_id: UUID, holder: UUID) -> bool:
        """Whether the run is leased to this holder; if so, until this transaction ends."""
        held = select(self.run_model.id).where(*self._leased(run_id, holder)).with_for_update()
        return await self._session.scalar(held) is not None

    async def release_lease(self, run_id: UUID, holder: UUID) -> None:
        """Let another worker continue the run at once."""
        await self._session.execute(
            update(self.run_model)
            .where(*self._leased(run_id, holder))
            .values(lease_until=None, lease_holder=None)
        )

    async def request_cancel(self, run_id: UUID) -> bool:
        """Ask the worker that has the run to stop.

        Returns:
            Whether the run was not finished yet.
        """
        model = self.run_model
        found = await self._session.scalar(
            update(model)
            .where(model.id == run_id, model.status.in_(OPEN))
            .values(cancel_requested_at=func.coalesce(model.cancel_requested_at, func.now()))
            .returning(model.id)
        )
        return found is not None

    def _leased(self, run_id: UUID, holder: UUID) -> list[ColumnElement[bool]]:
        model = self.run_model
        return [model.id == run_id, model.lease_holder == holder, model.status.in_(OPEN)]
