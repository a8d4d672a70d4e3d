"""Requests for factoids and the model calls made for them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import GenerationRequest, LanguageModel, ModelCall
from db.models.model_run import OPEN
from db.repositories.model_runs import ModelRunRepository


class GenerationRepository(ModelRunRepository[GenerationRequest, ModelCall]):
    run_model = GenerationRequest
    call_model = ModelCall
    call_run_id = "request_id"

    async def newest_of(self, caller_id: UUID, limit: int) -> list[GenerationRequest]:
        found = await self._session.scalars(
            select(GenerationRequest)
            .where(GenerationRequest.caller_id == caller_id)
            .order_by(GenerationRequest.created_at.desc())
            .limit(limit)
        )
        return list(found)

    async def add(self, request: GenerationRequest) -> None:
        self._session.add(request)
        await self._session.flush()

    async def of_slot(self, slot: datetime) -> GenerationRequest | None:
        """The request made for a moment of the schedule, unless it failed."""
        return await self._session.scalar(
            select(GenerationRequest).where(
                GenerationRequest.slot == slot,
                GenerationRequest.status.in_((*OPEN, "succeeded")),
            )
        )

    async def newest_slot(self) -> datetime | None:
        return await self._session.scalar(select(func.max(GenerationRequest.slot)))

    async def queue_again(self, request_id: UUID) -> None:
        """Return a request to the queue; only for the holder of its lease."""
        await self.change(request_id, status="queued", lease_until=None, lease_holder=None)

    async def cancel_queued(self, request_id: UUID) -> bool:
        """Cancel a request that no worker has leased yet; whether there was one."""
        done = await self._session.scalar(
            update(GenerationRequest)
            .where(GenerationRequest.id == request_id, GenerationRequest.status == "queued")
            .values(
                status="cancelled",
                allowance_returned=True,
                finished_at=func.now(),
                settled_at=func.now(),
                cost_usd=Decimal(0),
                cost_source="none",
            )
            .returning(GenerationRequest.id)
        )
        return done is not None


class LanguageModelRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def all(self) -> list[LanguageModel]:
        """The allowed models, the cheapest answers first."""
        found = await self._session.scalars(
            select(LanguageModel).order_by(LanguageModel.completion_usd, LanguageModel.id)
        )
        return list(found)

    async def get(self, model_id: str) -> LanguageModel | None:
        return await self._session.get(LanguageModel, model_id)

    async def replace_all(self, models: Sequence[dict[str, Any]]) -> None:
        """Make the table hold just these models; what is known of their health stays."""
        statement = insert(LanguageModel)
        facts = {
            name: statement.excluded[name]
            for name in (
                "name",
                "prompt_usd",
                "completion_usd",
                "request_usd",
                "context_tokens",
                "parameters",
                "fetched_at",
            )
        }
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=["id"], set_=facts), models
        )
        kept = [model["id"] for model in models]
        await self._session.execute(
            LanguageModel.__table__.delete().where(  # pyright: ignore[reportAttributeAccessIssue]
                LanguageModel.id.not_in(kept)
            )
        )

    async def note_success(self, model_id: str) -> None:
        await self._session.execute(
            update(LanguageModel)
            .where(LanguageModel.id == model_id, LanguageModel.failures > 0)
            .values(failures=0, failed_at=None)
        )

    async def note_failure(self, model_id: str) -> None:
        await self._session.execute(
            update(LanguageModel)
            .where(LanguageModel.id == model_id)
            .values(failures=LanguageModel.failures + 1, failed_at=func.now())
        )
