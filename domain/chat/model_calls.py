"""The model calls of one turn."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatTurn, LanguageModel
from db.repositories.budgets import BudgetRepository
from db.repositories.chats import ChatTurnRepository
from domain.chat import prompt
from domain.chat.admission import Admission, caller_of
from domain.chat.answer_writer import AnswerWriter
from domain.chat.kind import CHAT_TURNS
from domain.chat.sessions import TOOLS
from domain.chat.usage import ChatUsage, usage_of
from domain.infra.logging import current_request_id
from domain.llm.openrouter import Completion, OpenRouter
from domain.model_runs.calls import Messages, ModelCaller, pseudonym
from domain.model_runs.failures import RunFailed
from domain.model_runs.lease import Lease
from domain.spending.budget import BudgetUsedUp


class ChatCaller(ModelCaller[ChatTurn, ChatCall]):
    """Calls models for one turn, and passes what they write on to the answer's writer.

    Besides `RunFailed` and `ModelFailed`, `complete` raises `AnswerWithheld`.
    """

    def __init__(
        self,
        lease: Lease[ChatTurn],
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        admission: Admission,
        writer: AnswerWriter,
        *,
        model_pinned: bool,
    ) -> None:
        super().__init__(
            CHAT_TURNS, lease, sessions, openrouter, model_pinned=model_pinned, needs=TOOLS
        )
        self._admission = admission
        self._writer = writer
        self._received = ""

    async def usage(self) -> ChatUsage:
        """What the turn has used so far."""
        return usage_of(await self.calls())

    async def _choose(self, failed: Sequence[str]) -> LanguageModel:
        model = await super()._choose(failed)
        # The turn goes on with the model that it changed to.
        self._model_id = model.id
        return model

    async def _open(self, model: LanguageModel, messages: Messages, tools: Messages) -> ChatCall:
        self._received = ""
        quote_usd = prompt.quote_usd(model, messages, tools)
        try:
            async with self._lease.transaction() as session:
                turns = ChatTurnRepository(session)
                calls = await turns.calls(self._run.id)
                held = next((call for call in calls if call.state == "held"), None)
                values = {"model": model.id, "state": "called", "called_at": datetime.now(UTC)}
                if held:
                    # What was held when the turn was admitted, and more if this call costs more.
                    most_usd = max(quote_usd, held.quote_usd)
                    await turns.change_call(held, **values, quote_usd=most_usd)
                    if await BudgetRepository(session).extend(held.id, most_usd):
                        raise RunFailed(CHAT_TURNS.budget_used_up)
                    return held
                call = ChatCall(
                    id=uuid7(),
                    turn_id=self._run.id,
                    number=len(calls) + 1,
                    quote_usd=quote_usd,
                    **values,
                )
                await turns.add_call(call)
                await self._admission.hold(session, self._run, call.id, quote_usd)
                return call
        except BudgetUsedUp as refused:
            await self._admission.record_refusal(self._sessions, caller_of(self._run), refused)
            raise RunFailed(CHAT_TURNS.budget_used_up) from refused

    def _body(
        self, model: LanguageModel, messages: Messages, tools: Messages, *, tools_allowed: bool
    ) -> dict[str, Any]:
        return prompt.body(
            model,
            messages,
            tools,
            tools_allowed=tools_allowed,
            user=pseudonym(self._run.caller_id),
            metadata={"chat_turn": str(self._run.id), "request_id": current_request_id()},
        )

    async def _follow(self, call: ChatCall, completion: Completion) -> None:
        await super()._follow(call, completion)
        # What could have become control text is known to be none.
        await self._receive(completion)
        await self._writer.end_call()

    async def _receive(self, completion: Completion) -> None:
        text, before = completion.content, self._received
        if text == before:
            return
        if not before:
            await self._status("writing", "Writing")
        if text.startswith(before):
            self._writer.add(text[len(before) :])
        else:
            self._writer.replace(text)
        self._received = text

    async def _status(self, state: str, detail: str) -> None:
        await self._writer.status(state, detail)
