"""Carrying out turns: read the history, let the agent work, save the answer. Runs in the worker.

An answer is saved in Postgres while it is written, and what a killed worker did not save is taken
from the events its readers have seen. No model is asked again for what may have been billed: such
a turn ends interrupted.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import ChatMessage, ChatTurn
from db.repositories.chats import ChatRepository, ChatTurnRepository
from domain.chat import agent, failures, prompt
from domain.chat.admission import Admission
from domain.chat.answer_writer import SAVED_AT_ONCE, AnswerWithheld, AnswerWriter
from domain.chat.history import history_of
from domain.chat.kind import CHAT_TURNS
from domain.chat.model_calls import ChatCaller
from domain.chat.searches import PaidSearches
from domain.chat.sessions import factoid_of
from domain.chat.sources import Sources
from domain.chat.tools import Toolbox
from domain.chat.usage import UNMADE, usage_of
from domain.chat.web import WebSearch
from domain.factoids.service import FactoidService
from domain.limits.rate_limit import RateLimiter
from domain.llm.openrouter import OpenRouter
from domain.model_runs.failures import Failure, RunFailed, deadline
from domain.model_runs.lease import Lease, LeaseLost
from domain.model_runs.progress import ProgressReader
from domain.model_runs.runner import ModelRunner

TURN_S = 60
"""The most a turn may take, with all its calls and tools."""

WITHHELD = "I keep the rest of that to myself."


class ChatService(ModelRunner[ChatTurn]):
    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        redis: Redis,
        limiter: RateLimiter,
        admission: Admission,
        factoids: FactoidService,
        web: WebSearch | None,
        *,
        site_url: str,
        turn_s: float = TURN_S,
    ) -> None:
        super().__init__(CHAT_TURNS, sessions, openrouter, redis, limiter)
        self._save_slots = asyncio.Semaphore(SAVED_AT_ONCE)
        self._reader = ProgressReader(redis, sessions, CHAT_TURNS)
        self._admission = admission
        self._factoids = factoids
        self._web = web
        self._site_url = site_url
        self._turn_s = turn_s

    async def _work(self, lease: Lease[ChatTurn]) -> None:
        """Write the answer and conclude the turn with it; what was written early is kept."""
        turn = lease.run
        if turn.cancel_requested_at:
            raise RunFailed(failures.STOPPED)
        async with self._sessions() as session:
            chats, turns = ChatRepository(session), ChatTurnRepository(session)
            chat = await chats.get(turn.session_id)
            messages = await chats.messages(turn.session_id)
            calls = await turns.calls_of_chat(turn.session_id)
        by_id = {message.id: message for message in messages}
        answer = by_id.get(turn.answer_id)
        if any(call.turn_id == turn.id and call.state != "held" for call in calls):
            if answer:
                await self._save_streamed(lease, answer)
            raise RunFailed(failures.INTERRUPTED)
        question = by_id.get(answer.parent_id) if answer and answer.parent_id else None
        if chat is None or answer is None or question is None:
            # Its owner has deleted the chat.
            raise RunFailed(failures.STOPPED)
        card = await factoid_of(self._factoids, chat.factoid_id)
        sources = Sources(self._site_url, answer.sources)
        if card and not answer.sources:
            sources.factoid(card.id, card.subject)
        writer = AnswerWriter(lease, answer, sources, self._progress(turn.id))
        context = agent.AgentContext(
            caller=ChatCaller(
                lease,
                self._sessions,
                self._openrouter,
                self._admission,
                writer,
                model_pinned=chat.model_pinned,
            ),
            toolbox=Toolbox(self._factoids, self._searches(lease), sources),
            writer=writer,
            earlier_usage=usage_of(call for call in calls if call.turn_id != turn.id),
            continues=bool(answer.text),
        )
        history = history_of(messages, question, answer)
        conversation = prompt.conversation(card, history, web=self._web is not None)
        await self._write(lease, context, conversation)

    async def _save_streamed(self, lease: Lease[ChatTurn], answer: ChatMessage) -> None:
        """Save what readers have seen of an answer beyond what the killed worker saved of it."""
        text = answer.text
        for event in await self._reader.all(lease.run.id):
            if event.name == "token" and event.data["at"] <= len(text):
                text = text[: event.data["at"]] + event.data["text"]
        async with lease.transaction() as session:
            longest = max(text, answer.text, key=len)
            await ChatRepository(session).change_message(answer.id, text=longest)

    def _searches(self, lease: Lease[ChatTurn]) -> PaidSearches | None:
        if self._web is None:
            return None
        return PaidSearches(lease, self._sessions, self._admission, self._web)

    async def _write(
        self, lease: Lease[ChatTurn], context: agent.AgentContext, messages: list[dict[str, Any]]
    ) -> None:
        """Let the agent work, save what it writes, and conclude the turn when it is done."""
        writer = context.writer
        until = asyncio.get_running_loop().time() + self._turn_s
        saving = asyncio.create_task(writer.save_periodically(self._save_slots))
        try:
            await writer.status("running", "Reading what was said")
            try:
                async with deadline(until, failures.OUT_OF_TIME):
                    await agent.run(messages, context)
            except AnswerWithheld:
                await writer.add_paragraph(WITHHELD)
        finally:
            saving.cancel()
            # Also when the turn is stopped: what was written stays.
            with suppress(LeaseLost, AnswerWithheld):
                await writer.end_call()
            with suppress(LeaseLost):
                await asyncio.shield(writer.save())
        async with lease.transaction() as session:
            await ChatRepository(session).change_message(writer.message_id, **writer.finished())
            await self._conclude(session, lease.run, "done")

    async def _final_failure(
        self, session: AsyncSession, run: ChatTurn, failure: Failure
    ) -> Failure:
        """A turn that ends before any model was asked does not count as a message."""
        calls = await ChatTurnRepository(session).calls(run.id)
        if all(call.state in UNMADE for call in calls):
            return replace(failure, allowance_returned=True)
        return failure

    async def _conclude(
        self, session: AsyncSession, run: ChatTurn, status: str, **values: Any
    ) -> None:
        chats = ChatRepository(session)
        await chats.change_message(run.answer_id, status=status)
        await chats.change(run.session_id, updated_at=datetime.now(UTC))
        await super()._conclude(session, run, status, **values)
