"""Working a turn off: remember, ask, look things up, keep, settle. Runs in the worker.

What is written is kept in Postgres while it is written, and what a killed worker could not keep
any more is taken from what its readers were told. No model is asked again for what may have been
billed: such a turn ends interrupted.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import ChatMessage, ChatTurn
from db.repositories.chats import ChatRepository, ChatTurnRepository
from db.repositories.leases import OPEN
from db.repositories.outbox import OutboxRepository
from domain.chat import admission, agent, failures, prompt, settlement
from domain.chat.admission import Admission
from domain.chat.answer_writer import KEPT_AT_ONCE, AnswerWriter, Unsayable
from domain.chat.failures import TurnEnded
from domain.chat.model_calls import Calls
from domain.chat.progress import TurnProgress, TurnReader, last_event
from domain.chat.searches import PaidSearches
from domain.chat.sources import Sources
from domain.chat.spending import spent_on
from domain.chat.subject import card_of, talk_before
from domain.chat.tools import Toolbox
from domain.chat.web import WebSearch
from domain.factoids.service import FactoidService
from domain.limits.rate_limit import LimiterAway, RateLimiter
from domain.llm.openrouter import OpenRouter
from domain.model_runs.event_log import EventWriter
from domain.model_runs.lease import Lease, LeaseLost, Leases
from domain.spending.credits import Credits

TURN_S = 60
"""The most a turn may take, all its calls and tools together."""

UNASKED = {"held", "unbilled"}
"""States of a call of which no model knows, or that none has answered."""

UNSAYABLE = "I keep the rest of that to myself."

log = structlog.get_logger()


class ChatService:
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
        self._sessions = sessions
        self._leases = Leases(sessions, ChatTurnRepository)
        self._keeping = asyncio.Semaphore(KEPT_AT_ONCE)
        self._openrouter = openrouter
        self._events = EventWriter(redis)
        self._told = TurnReader(redis, sessions)
        self._limiter = limiter
        self._admission = admission
        self._factoids = factoids
        self._web = web
        self._site_url = site_url
        self._turn_s = turn_s

    async def run(self, turn_id: UUID) -> None:
        """Bring a turn to its end, unless it has one or another worker is at it."""
        lease = await self._leases.take(turn_id)
        if lease is None:
            await self._forget_if_over(turn_id)
            return
        work = asyncio.create_task(self._answer(lease))
        keep = asyncio.create_task(self._leases.keep(lease))
        try:
            await asyncio.wait({work, keep}, return_when=asyncio.FIRST_COMPLETED)
            await _stop(work)
            lost = keep.exception() if keep.done() else None
            stopped = failures.stopped() if work.cancelled() else work.exception()
            await self._end(lease, lost or stopped)
        except asyncio.CancelledError:
            # This worker is going down: let the next one end the turn without waiting.
            await _stop(work)
            await lease.drop()
            raise
        finally:
            await _stop(keep)

    async def _forget_if_over(self, turn_id: UUID) -> None:
        async with self._sessions.begin() as session:
            turn = await ChatTurnRepository(session).get(turn_id)
            if turn is None or turn.status not in OPEN:
                await OutboxRepository(session).done(settlement.run_key(turn_id))

    async def _answer(self, lease: Lease[ChatTurn]) -> None:
        """Write the answer and end the turn with it.

        Raises:
            TurnEnded, ModelFailed, LeaseLost: It ends otherwise; what was said is kept.
        """
        turn = lease.request
        if turn.cancel_requested_at:
            raise failures.stopped()
        async with self._sessions() as session:
            chats, turns = ChatRepository(session), ChatTurnRepository(session)
            chat = await chats.get(turn.session_id)
            messages = await chats.messages(turn.session_id)
            calls = await turns.calls_of_chat(turn.session_id)
        by_id = {one.id: one for one in messages}
        answer = by_id.get(turn.answer_id)
        if any(call.turn_id == turn.id and call.state != "held" for call in calls):
            if answer:
                await self._keep_what_was_told(lease, answer)
            raise failures.interrupted()
        question = by_id.get(answer.parent_id) if answer and answer.parent_id else None
        if chat is None or answer is None or question is None:
            # Its owner has deleted the chat.
            raise failures.stopped()
        card = await card_of(self._factoids, chat.factoid_id)
        sources = Sources(self._site_url, answer.sources)
        if card and not answer.sources:
            sources.factoid(card.id, card.subject)
        writer = AnswerWriter(lease, answer, sources, TurnProgress(self._events, turn.id))
        work = agent.Work(
            calls=Calls(
                lease,
                self._sessions,
                self._openrouter,
                self._admission,
                model_pinned=chat.model_pinned,
            ),
            toolbox=Toolbox(self._factoids, self._searches(lease), sources),
            writer=writer,
            before=spent_on(call for call in calls if call.turn_id != turn.id),
            goes_on=bool(answer.text),
        )
        talk = talk_before(messages, question, answer)
        await self._write(lease, work, prompt.conversation(card, talk, web=self._web is not None))

    async def _keep_what_was_told(self, lease: Lease[ChatTurn], answer: ChatMessage) -> None:
        """A worker is not asked before it is killed, but its readers have read what it told."""
        told = await self._told.told(lease.request.id, answer.text)
        async with lease.transaction() as session:
            await ChatRepository(session).change_message(answer.id, text=told)

    def _searches(self, lease: Lease[ChatTurn]) -> PaidSearches | None:
        if self._web is None:
            return None
        return PaidSearches(lease, self._sessions, self._admission, self._web)

    async def _write(
        self, lease: Lease[ChatTurn], work: agent.Work, messages: list[dict[str, Any]]
    ) -> None:
        """Let the agent work, keep what it says, and end the turn when all is said."""
        writer = work.writer
        keeping = asyncio.create_task(writer.keep_up(self._keeping))
        patience = asyncio.timeout(self._turn_s)
        try:
            await writer.status("running", "Reading what was said")
            try:
                async with patience:
                    await agent.run(messages, work)
            except Unsayable:
                await writer.say(UNSAYABLE)
        except TimeoutError as error:
            raise failures.out_of_time() if patience.expired() else error from error
        finally:
            keeping.cancel()
            # Also when the turn is stopped: what was said stays.
            with suppress(LeaseLost, Unsayable):
                await writer.end_call()
            with suppress(LeaseLost):
                await asyncio.shield(writer.keep())
        async with lease.transaction() as session:
            await ChatRepository(session).change_message(writer.message_id, **writer.finished())
            await _conclude(session, lease.request, "done")

    async def _end(self, lease: Lease[ChatTurn], error: BaseException | None) -> None:
        """Write down how it ended, if that is ours to say, and tell those who follow."""
        turn_id = lease.request.id
        if error and not isinstance(error, LeaseLost):
            with suppress(LeaseLost):
                await self._end_early(lease, failures.as_end(error))
        async with self._sessions() as session:
            ended = await ChatTurnRepository(session).get(turn_id)
        if ended is None or ended.status in OPEN or not lease.was_last(ended):
            log.warning("lease_lost")
            return
        await TurnProgress(self._events, turn_id).tell(*last_event(turn_id, ended.status))
        log.info("chat_turn_ended", status=ended.status, code=ended.problem_code)

    async def _end_early(self, lease: Lease[ChatTurn], end: TurnEnded) -> None:
        turn_id = lease.request.id
        async with lease.transaction() as session:
            turns = ChatTurnRepository(session)
            calls = await turns.calls(turn_id)
            # What was stopped before any model was asked was no message.
            returned = end.allowance_returned or all(call.state in UNASKED for call in calls)
            await turns.change(
                turn_id,
                problem_code=end.code,
                problem_detail=end.detail,
                allowance_returned=returned,
            )
            if returned:
                await admission.promise_back(session, turn_id)
            await _conclude(session, lease.request, end.status)
        if returned:
            with suppress(LimiterAway):
                await admission.give_back(self._sessions, self._limiter, turn_id)


async def _conclude(session: AsyncSession, turn: ChatTurn, status: str) -> None:
    """The last words of a turn, whatever its end; the busy rows come last."""
    now = datetime.now(UTC)
    await ChatTurnRepository(session).change(turn.id, status=status, finished_at=now)
    chats = ChatRepository(session)
    await chats.change_message(turn.answer_id, status=status)
    await chats.change(turn.session_id, updated_at=now)
    await OutboxRepository(session).done(settlement.run_key(turn.id))
    # One that was given back stays so.
    await Credits().use(session, request_id=turn.id)
    await settlement.sum_up(session, turn.id)


async def _stop(task: "asyncio.Task[Any]") -> None:
    """End a task, whatever comes of it, and be cancelled oneself while doing so."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
