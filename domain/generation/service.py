"""Working a request off: ask the model, read, compare, publish, settle. Runs in the worker.

Every step is written down before the next begins, so that a worker killed anywhere is
followed by another that goes on from there and never asks a model again for what may have
been billed.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Factoid, GenerationRequest
from db.repositories.factoids import FactoidRepository
from db.repositories.generations import OPEN, GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain.generation import allowance, failures, prompt, retry_policy, settlement
from domain.generation.answer import Draft, UnusableAnswer, read_answer
from domain.generation.failures import GenerationFailed
from domain.generation.input import PAID, PROMPT_BYTES_AT_MOST
from domain.generation.model_calls import Asking
from domain.generation.progress import ProgressWriter
from domain.generation.requests import GenerationNotFound, job_key
from domain.infra import live
from domain.limits.rate_limit import RateLimiter
from domain.llm.openrouter import OpenRouter
from domain.model_runs.lease import RENEW_EVERY_S, Lease, LeaseLost, Leases
from domain.spending.credits import Credits
from domain.text import words

EXAMPLES = 30
SIMILAR_AT_LEAST = 0.55
"""Trigram similarity from which two texts say the same: a changed word or two stays over 0.7,
different facts about one subject stay under 0.45."""

log = structlog.get_logger()


class AlreadyPublished(Exception):
    """A draft says what a published factoid says; `text` is the published one's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class GenerationService:
    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        redis: Redis,
        limiter: RateLimiter,
    ) -> None:
        self._sessions = sessions
        self._leases = Leases(sessions, GenerationRepository)
        self._limiter = limiter
        self._openrouter = openrouter
        self._redis = redis
        self._progress = ProgressWriter(redis)

    async def run(self, request_id: UUID) -> None:
        """Bring a request to its end, unless it has one or another worker is at it."""
        lease = await self._leases.take(request_id)
        if lease is None:
            await self._forget_if_over(request_id)
            return
        work = asyncio.create_task(self._write(lease))
        keep = asyncio.create_task(self._leases.keep(lease))
        try:
            await asyncio.wait({work, keep}, return_when=asyncio.FIRST_COMPLETED)
            await _stop(work)
            lost = keep.exception() if keep.done() else None
            stopped = failures.cancelled() if work.cancelled() else work.exception()
            await self._end(lease, lost or stopped)
        except asyncio.CancelledError:
            # This worker is going down: let the next one take over without waiting.
            await _stop(work)
            await lease.drop()
            raise
        finally:
            await _stop(keep)

    async def finish(self, request_id: UUID) -> GenerationRequest:
        """Run a request here, or wait for the worker that has it; returns it at its end."""
        while True:
            await self.run(request_id)
            async with self._sessions() as session:
                request = await GenerationRepository(session).get(request_id)
            if request is None or request.status not in OPEN:
                break
            await asyncio.sleep(RENEW_EVERY_S)
        if request is None:
            raise GenerationNotFound("The request is gone.")
        return request

    async def _forget_if_over(self, request_id: UUID) -> None:
        async with self._sessions.begin() as session:
            request = await GenerationRepository(session).get(request_id)
            if request is None or request.status not in OPEN:
                await OutboxRepository(session).done(job_key(request_id))

    async def _end(self, lease: Lease[GenerationRequest], error: BaseException | None) -> None:
        """Write down how it ended, if that is ours to say, and tell those who watch."""
        if error and not isinstance(error, LeaseLost):
            failure = failures.as_failure(error)
            with suppress(LeaseLost):
                if await self._try_later(lease, failure):
                    return
                await self._fail(lease, failure)
        async with self._sessions() as session:
            ended = await GenerationRepository(session).get(lease.request.id)
        if ended is None or ended.status in OPEN or not lease.was_last(ended):
            log.warning("lease_lost")
            return
        await self._progress.ended(ended)
        log.info("generation_ended", status=ended.status, code=ended.problem_code)
        if ended.factoid_id:
            await live.tell(self._redis, live.FactoidPublished(ended.factoid_id))

    async def _try_later(self, lease: Lease[GenerationRequest], failure: GenerationFailed) -> bool:
        """Let a worker try again after a while, if that is still worth it; tells whether it is."""
        request_id = lease.request.id
        async with lease.transaction() as session:
            requests = GenerationRepository(session)
            calls = await requests.calls(request_id)
            wait_s = retry_policy.next_try_s(lease.request, calls, failure)
            if wait_s is None:
                return False
            await requests.queue_again(request_id)
            await OutboxRepository(session).postpone(job_key(request_id), wait_s)
        log.warning("generation_waits", code=failure.code, wait_s=round(wait_s))
        await self._progress.status(request_id, "retrying", retry_policy.TOLD)
        return True

    async def _fail(self, lease: Lease[GenerationRequest], failure: GenerationFailed) -> None:
        request_id, paid = lease.request.id, lease.request.origin == PAID
        async with lease.transaction() as session:
            requests = GenerationRepository(session)
            if paid:
                failure = retry_policy.ended(await requests.calls(request_id), failure)
            await requests.change(
                request_id,
                status=failure.status,
                problem_code=failure.code,
                problem_detail=failure.detail,
                allowance_returned=failure.allowance_returned,
                finished_at=datetime.now(UTC),
            )
            await OutboxRepository(session).done(job_key(request_id))
            if paid:
                await Credits().give_back(session, request_id=request_id)
            elif failure.allowance_returned:
                await allowance.promise(session, request_id)
            await settlement.sum_up(session, request_id)
        if failure.allowance_returned:
            await allowance.return_now(self._sessions, self._limiter, request_id)

    async def _write(self, lease: Lease[GenerationRequest]) -> None:
        """Ask, and at most once each for a repair and for another fact, and publish.

        Raises:
            GenerationFailed, ModelFailed, LeaseLost: There is no factoid.
        """
        if lease.request.cancel_requested_at:
            raise failures.cancelled()
        asking = Asking(lease, self._sessions, self._openrouter, self._progress)
        # An answer that is there already is published, however late it is.
        earlier = await asking.begin()
        conversation = await self._first_messages(lease.request)
        repaired = varied = False
        while True:
            answer = earlier.pop(0) if earlier else await asking.ask(conversation)
            await self._progress.status(lease.request.id, "checking", "Checking that it is new")
            try:
                await self._publish(lease, asking, read_answer(answer))
                return
            except UnusableAnswer as unusable:
                failure, over, repaired = failures.unusable_answer(), repaired, True
                more = prompt.repair(answer, str(unusable))
                told = "The answer could not be used, asking again"
            except AlreadyPublished as published:
                failure, over, varied = failures.duplicate(), varied, True
                more = prompt.another(answer, published.text)
                told = "That one is published already, asking for another"
            if over or not (earlier or await asking.settle()):
                raise failure
            conversation = [*conversation, *more]
            await self._progress.status(lease.request.id, "retrying", told)

    async def _first_messages(self, request: GenerationRequest) -> list[dict[str, str]]:
        async with self._sessions() as session:
            factoids = FactoidRepository(session)
            known = await factoids.texts_about(words(request.topic or ""), EXAMPLES // 2)
            known += [t for t in await factoids.newest_texts(EXAMPLES) if t not in known]
        conversation = prompt.messages(request.topic, known)
        while known and prompt.size(conversation) > PROMPT_BYTES_AT_MOST // 2:
            known.pop()
            conversation = prompt.messages(request.topic, known)
        return conversation

    async def _publish(self, lease: Lease[GenerationRequest], asking: Asking, draft: Draft) -> None:
        """Publish in one transaction with the request's end.

        Raises:
            AlreadyPublished: It is no news.
            LeaseLost: Another worker has the request by now.
        """
        request, last = lease.request, (await asking.calls())[-1]
        factoid = Factoid(
            text=draft.text,
            text_key=draft.key,
            subject=draft.subject,
            emoji=draft.emoji,
            category=draft.category.value,
            origin=request.origin,
            model=last.model,
            generation_s=last.total_s,
            prompt_tokens=last.prompt_tokens,
            completion_tokens=last.completion_tokens,
            created_at=datetime.now(UTC),
        )
        async with self._sessions.begin() as session:
            factoids = FactoidRepository(session)
            await factoids.hold_publishing()
            await lease.check(session)
            if alike := await factoids.most_similar(draft.key, at_least=SIMILAR_AT_LEAST):
                raise AlreadyPublished(alike.text)
            # Trigrams see no letters in some scripts, so equality is looked for by itself.
            if await factoids.known_keys([draft.key]):
                raise AlreadyPublished(draft.text)
            await factoids.add(factoid)
            await GenerationRepository(session).change(
                request.id,
                status="succeeded",
                factoid_id=factoid.id,
                finished_at=datetime.now(UTC),
            )
            await OutboxRepository(session).done(job_key(request.id))
            await Credits().use(session, request_id=request.id)
            await settlement.sum_up(session, request.id)


async def _stop(task: "asyncio.Task[Any]") -> None:
    """End a task, whatever comes of it, and be cancelled oneself while doing so."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
