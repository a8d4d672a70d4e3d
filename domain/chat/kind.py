"""Chat turns as runs of the engine: each call has a hold of its own in the ledger."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.models import ChatCall, ChatTurn
from db.repositories.chats import ChatRepository, ChatTurnRepository
from domain.chat import failures
from domain.jobs import Job
from domain.model_runs.kind import RunKind
from domain.model_runs.settlement import cost_of


class ChatTurnKind(RunKind[ChatTurn, ChatCall]):
    name = "chat"
    limit_policy = "chat"
    run_job = Job(
        name="run_chat_turn",
        key="chat",
        parameters=("turn_id",),
        timeout_s=90,
        heartbeat_s=10,
        retries=5,
    )
    settle_job = Job(
        name="settle_chat_turn", key="settle-chat", parameters=("turn_id",), timeout_s=30
    )
    return_job = Job(
        name="return_chat_allowance", key="return-chat", parameters=("turn_id",), timeout_s=10
    )
    last_events = frozenset({"message", "error"})
    cancelled = failures.STOPPED
    model_gone = failures.MODEL_GONE
    budget_used_up = failures.BUDGET_USED_UP
    repository = ChatTurnRepository

    def last_event(self, run_id: UUID, run: ChatTurn | None) -> tuple[str, dict[str, Any]]:
        """Names the turn only; whoever follows it reads the answer from Postgres."""
        failed = run is None or run.status == "failed"
        return "error" if failed else "message", {"turn_id": str(run_id)}

    def totals(self, calls: Sequence[ChatCall], *, settled: bool) -> dict[str, Any]:
        return cost_of(calls) | {
            "prompt_tokens": sum(call.prompt_tokens or 0 for call in calls),
            "completion_tokens": sum(call.completion_tokens or 0 for call in calls),
            "settled_at": datetime.now(UTC) if settled else None,
        }

    async def totals_changed(self, session: AsyncSession, run: ChatTurn) -> None:
        await ChatRepository(session).sum_up(run.session_id)

    async def run_of_hold(self, session: AsyncSession, hold_id: UUID) -> ChatTurn | None:
        turns = ChatTurnRepository(session)
        call = await turns.call(hold_id)
        return await turns.get(call.turn_id) if call else None


CHAT_TURNS = ChatTurnKind()
