"""Generation requests as runs of the engine: one hold in the ledger for all calls of a request."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Factoid, GenerationRequest, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.generations import GenerationRepository
from domain.generation import failures
from domain.jobs import Job
from domain.model_runs.kind import RunKind
from domain.model_runs.settlement import cost_of


class GenerationKind(RunKind[GenerationRequest, ModelCall]):
    name = "generation"
    limit_policy = "generate"
    run_job = Job(
        name="run_generation",
        key="generate",
        parameters=("request_id",),
        timeout_s=90,
        heartbeat_s=10,
        retries=5,
    )
    settle_job = Job(
        name="settle_generation", key="settle", parameters=("request_id",), timeout_s=30
    )
    return_job = Job(
        name="return_allowance", key="return", parameters=("request_id",), timeout_s=10
    )
    last_events = frozenset({"factoid", "error"})
    cancelled = failures.CANCELLED
    model_gone = failures.MODEL_GONE
    budget_used_up = failures.BUDGET_USED_UP
    refused_status = "refused"
    repository = GenerationRepository

    def last_event(self, run_id: UUID, run: GenerationRequest | None) -> tuple[str, dict[str, Any]]:
        if run is not None and run.factoid_id is not None:
            return "factoid", {"factoid_id": str(run.factoid_id)}
        code, detail = failures.problem_of(run)
        return "error", {"code": code, "detail": detail}

    def totals(self, calls: Sequence[ModelCall], *, settled: bool) -> dict[str, Any]:
        billed = [call for call in calls if call.state != "unbilled"]
        last = billed[-1] if billed else None
        values: dict[str, Any] = {
            "provider": last.provider if last else None,
            "prompt_tokens": _total([call.prompt_tokens for call in calls]),
            "completion_tokens": _total([call.completion_tokens for call in calls]),
            "first_token_s": last.first_token_s if last else None,
            "total_s": last.total_s if last else None,
        }
        if last:
            values["model"] = last.model
        if settled:
            values |= cost_of(calls) | {"settled_at": datetime.now(UTC)}
        return values

    async def totals_changed(self, session: AsyncSession, run: GenerationRequest) -> None:
        """Copy the totals to the factoid, and settle or release what is held for the request."""
        if run.factoid_id and (factoid := await session.get(Factoid, run.factoid_id)):
            factoid.cost_usd = run.cost_usd
            factoid.prompt_tokens = run.prompt_tokens
            factoid.completion_tokens = run.completion_tokens
        if run.cost_usd is None:
            return
        # The contended rows of the pots come last.
        if run.cost_source == "none":
            await BudgetRepository(session).release(run.id)
        else:
            await BudgetRepository(session).settle(run.id, run.cost_usd)

    async def run_of_hold(self, session: AsyncSession, hold_id: UUID) -> GenerationRequest | None:
        return await GenerationRepository(session).get(hold_id)


GENERATIONS = GenerationKind()


def _total(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
