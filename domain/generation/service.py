"""Carrying out generation requests: ask a model, read, compare, publish. Runs in the worker."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Factoid, GenerationRequest
from db.repositories.credits import CreditRepository
from db.repositories.factoids import FactoidRepository
from db.repositories.generations import GenerationRepository
from domain.factoids.search import search_terms, word_query
from domain.generation import failures, prompt, retry_policy
from domain.generation.answer import FactoidDraft, UnusableAnswer, read_answer
from domain.generation.duplicates import AlreadyPublished, check_new
from domain.generation.input import PAID, PROMPT_BYTES_AT_MOST
from domain.generation.kind import GENERATIONS
from domain.generation.model_calls import GenerationCaller
from domain.generation.requests import GenerationNotFound
from domain.infra import live
from domain.limits.rate_limit import RateLimiter
from domain.llm.openrouter import OpenRouter
from domain.model_runs.failures import Failure, RunFailed
from domain.model_runs.lease import RENEW_EVERY_S, Lease
from domain.model_runs.runner import ModelRunner
from domain.text import words

EXAMPLES = 30

log = structlog.get_logger()


class GenerationService(ModelRunner[GenerationRequest]):
    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        redis: Redis,
        limiter: RateLimiter,
    ) -> None:
        super().__init__(GENERATIONS, sessions, openrouter, redis, limiter)
        self._redis = redis

    async def finish(self, request_id: UUID) -> GenerationRequest:
        """Carry out a request here, or wait for the worker that has it; returns it at its end."""
        while True:
            await self.run(request_id)
            async with self._sessions() as session:
                request = await GenerationRepository(session).get(request_id)
            if request is None or not request.is_open:
                break
            await asyncio.sleep(RENEW_EVERY_S)
        if request is None:
            raise GenerationNotFound("The request is gone.")
        return request

    async def _work(self, lease: Lease[GenerationRequest]) -> None:
        """Publish a factoid, after at most one repair and one request for another fact."""
        if lease.run.cancel_requested_at:
            raise RunFailed(failures.CANCELLED)
        progress = self._progress(lease.run.id)
        caller = GenerationCaller(lease, self._sessions, self._openrouter, progress)
        # An answer that is there already is published, however late it is.
        earlier = await caller.resume()
        conversation = await self._first_messages(lease.run)
        repaired = varied = False
        while True:
            answer = earlier.pop(0) if earlier else await caller.ask(conversation)
            await progress.status("checking", "Checking that it is new")
            try:
                await self._publish(lease, caller, read_answer(answer))
                return
            except UnusableAnswer as unusable:
                failure, tried, repaired = failures.UNUSABLE_ANSWER, repaired, True
                more = prompt.repair(answer, str(unusable))
                detail = "The answer could not be used, asking again"
            except AlreadyPublished as published:
                failure, tried, varied = failures.DUPLICATE, varied, True
                more = prompt.another(answer, published.text)
                detail = "That one is published already, asking for another"
            if tried or not (earlier or await caller.settle()):
                raise RunFailed(failure)
            conversation = [*conversation, *more]
            await progress.status("retrying", detail)

    async def _first_messages(self, request: GenerationRequest) -> list[dict[str, str]]:
        async with self._sessions() as session:
            factoids = FactoidRepository(session)
            about = word_query(words(request.topic or ""), "|")
            known = await factoids.texts_about(about, EXAMPLES // 2)
            known += [t for t in await factoids.newest_texts(EXAMPLES) if t not in known]
        conversation = prompt.messages(request.topic, known)
        while known and prompt.size(conversation) > PROMPT_BYTES_AT_MOST // 2:
            known.pop()
            conversation = prompt.messages(request.topic, known)
        return conversation

    async def _publish(
        self, lease: Lease[GenerationRequest], caller: GenerationCaller, draft: FactoidDraft
    ) -> None:
        """Publish a draft and conclude the request, in one transaction.

        Raises:
            AlreadyPublished: It is not new.
            LeaseLost: Another worker has the request.
        """
        last = (await caller.calls())[-1]
        factoid = Factoid(
            text=draft.text,
            text_key=draft.key,
            search_terms=search_terms(draft.subject, draft.text),
            subject=draft.subject,
            emoji=draft.emoji,
            category=draft.category.value,
            origin=lease.run.origin,
            model=last.model,
            generation_s=last.total_s,
            prompt_tokens=last.prompt_tokens,
            completion_tokens=last.completion_tokens,
            created_at=datetime.now(UTC),
        )
        async with self._sessions.begin() as session:
            factoids = FactoidRepository(session)
            await factoids.lock_publishing()
            await lease.verify(session)
            await check_new(factoids, draft)
            await factoids.add(factoid)
            await self._conclude(session, lease.run, "succeeded", factoid_id=factoid.id)

    async def _announce(self, run: GenerationRequest) -> None:
        if run.factoid_id:
            await live.publish(self._redis, live.FactoidPublished(run.factoid_id))

    async def _retry_later(self, lease: Lease[GenerationRequest], failure: Failure) -> bool:
        """Return a paid request to the queue while models are down."""
        request = lease.run
        async with lease.transaction() as session:
            requests = GenerationRepository(session)
            calls = await requests.calls(request.id)
            wait_s = retry_policy.next_try_s(request, calls, failure)
            if wait_s is None:
                return False
            await requests.queue_again(request.id)
            await GENERATIONS.run_job.postpone(session, request.id, delay_s=wait_s)
        log.warning("generation_postponed", code=failure.code, wait_s=round(wait_s))
        await self._progress(request.id).status("retrying", retry_policy.RETRYING)
        return True

    async def _final_failure(
        self, session: AsyncSession, run: GenerationRequest, failure: Failure
    ) -> Failure:
        """A paid request returns its credit whatever the failure, and has no place in a limit."""
        if run.origin != PAID:
            return failure
        await CreditRepository(session).give_back(run.id)
        calls = await GenerationRepository(session).calls(run.id)
        return retry_policy.final_failure(calls, failure)
