"""The model calls of one turn: each is paid for and written down before it is made."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatTurn, LanguageModel
from db.repositories.budgets import BudgetRepository
from db.repositories.chats import ChatTurnRepository
from domain.chat import failures, prompt, settlement
from domain.chat.admission import Admission, caller_of
from domain.chat.answer_writer import AnswerWriter
from domain.chat.sessions import TOOLS
from domain.chat.spending import Spent, spent_on
from domain.infra.logging import current_request_id
from domain.llm.bills import Bill
from domain.llm.catalogue import CatalogueService, UnknownModel
from domain.llm.failures import ModelFailed
from domain.llm.openrouter import Answer, OpenRouter, ToolCall
from domain.model_runs.lease import Lease
from domain.spending.budget import BudgetUsedUp

TRIES_AT_MOST = 3
"""To get one answer, counting only calls known not to have been billed."""


@dataclass(frozen=True)
class Reply:
    said: str
    calls: list[ToolCall]
    finish_reason: str | None


class Calls:
    def __init__(
        self,
        lease: Lease[ChatTurn],
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        admission: Admission,
        *,
        model_pinned: bool,
    ) -> None:
        self._lease = lease
        self._turn = lease.request
        self._model_id = lease.request.model
        self._model_pinned = model_pinned
        self._openrouter = openrouter
        self._admission = admission
        self._catalogue = CatalogueService(sessions)
        self._sessions = sessions

    async def spent(self) -> Spent:
        """As the books have it; a call whose cost is not known yet counts as its worst case."""
        async with self._sessions() as session:
            calls = await ChatTurnRepository(session).calls(self._turn.id)
        return spent_on(calls)

    async def ask(
        self,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]],
        writer: AnswerWriter,
    ) -> Reply:
        """One reply; models that fail without billing are asked again or passed over.

        Raises:
            TurnEnded, ModelFailed, Unsayable: There is none.
        """
        failed: list[str] = []
        for attempt in range(TRIES_AT_MOST):
            model = await self._model(failed)
            try:
                reply = await self._call(model, messages, tools, writer)
            except ModelFailed as failure:
                await self._catalogue.note(model.id, failure)
                if failure.billed or not failure.again or attempt == TRIES_AT_MOST - 1:
                    raise
                failed.append(model.id)
                await writer.status("retrying", "The model is busy, trying again")
                await asyncio.sleep(failure.retry_after_s or random.uniform(0.2, 0.6) * 2**attempt)
            else:
                await self._catalogue.note(model.id, None)
                return reply
        raise AssertionError("the last attempt returns or raises")

    async def _model(self, failed: Sequence[str]) -> LanguageModel:
        if self._model_pinned or not failed:
            try:
                return await self._catalogue.choose(self._model_id, needs=TOOLS)
            except UnknownModel:
                if self._model_pinned:
                    raise failures.model_gone() from None
        model = await self._catalogue.choose(None, besides=failed, needs=TOOLS)
        self._model_id = model.id
        return model

    async def _call(
        self,
        model: LanguageModel,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]],
        writer: AnswerWriter,
    ) -> Reply:
        call = await self._hold(model, prompt.quote_usd(model, messages, tools))
        body = prompt.body(
            model,
            messages,
            tools,
            user=sha256(f"visitor:{self._turn.caller_id}".encode()).hexdigest()[:32],
            metadata={"chat_turn": str(self._turn.id), "request_id": current_request_id()},
        )
        try:
            async with self._openrouter.stream(body) as answer:
                await self._follow(call, answer, writer)
        except ModelFailed as failure:
            if not failure.billed:
                async with self._lease.transaction() as session:
                    await settlement.let_go(session, call.id)
            raise
        await self._answered(call, answer)
        return Reply(answer.said, list(answer.calls.values()), answer.finish_reason)

    async def _hold(self, model: LanguageModel, quote_usd: Decimal) -> ChatCall:
        """Hold the most this call can cost, and write it down.

        Raises:
            TurnEnded: There is no money for it.
        """
        try:
            async with self._lease.transaction() as session:
                turns = ChatTurnRepository(session)
                calls = await turns.calls(self._turn.id)
                held = next((call for call in calls if call.state == "held"), None)
                values = {"model": model.id, "state": "called", "called_at": datetime.now(UTC)}
                if held:
                    # What was held when the turn was admitted, and more if this call is dearer.
                    usd = max(quote_usd, held.quote_usd)
                    await turns.change_call(held.id, **values, quote_usd=usd)
                    if await BudgetRepository(session).extend(held.id, usd):
                        raise failures.budget_used_up()
                    return held
                call = ChatCall(
                    id=uuid7(),
                    turn_id=self._turn.id,
                    number=len(calls) + 1,
                    quote_usd=quote_usd,
                    **values,
                )
                await turns.add_call(call)
                await self._admission.hold(session, self._turn, call.id, quote_usd)
                return call
        except BudgetUsedUp as refused:
            await self._admission.note_refusal(self._sessions, caller_of(self._turn), refused)
            raise failures.budget_used_up() from refused

    async def _follow(self, call: ChatCall, answer: Answer, writer: AnswerWriter) -> None:
        """Tell the words while they are written.

        The name OpenRouter gave the answer is written down as soon as it is known: without
        it nobody can ask afterwards what an answer that breaks off has cost.
        """
        named: str | None = None
        if answer.upstream_id:
            named = answer.upstream_id
            await self._note(call, upstream_id=named)
        heard = 0
        async with aclosing(answer.pieces()) as pieces:
            async for _ in pieces:
                if answer.upstream_id != named:
                    named = answer.upstream_id
                    await self._note(call, upstream_id=named)
                if len(answer.said) > heard:
                    if not heard:
                        await writer.status("writing", "Writing")
                    writer.hear(answer.said[heard:])
                    heard = len(answer.said)
        await writer.end_call()

    async def _note(self, call: ChatCall, **values: Any) -> None:
        async with self._lease.transaction() as session:
            await ChatTurnRepository(session).change_call(call.id, **values)

    async def _answered(self, call: ChatCall, answer: Answer) -> None:
        """Write down what the answer says of itself; settled when it also says its cost."""
        usage = answer.usage
        async with self._lease.transaction() as session:
            turns = ChatTurnRepository(session)
            await turns.change_call(
                call.id,
                state="answered",
                upstream_id=answer.upstream_id,
                provider=answer.provider,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                first_token_s=answer.first_token_s,
                total_s=answer.total_s,
            )
            there = await turns.call(call.id)
            if usage.cost is not None and there:
                await settlement.book(session, there, Bill(usage.cost, "usage"))
