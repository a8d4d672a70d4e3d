"""Working a request off: ask the model, read, compare, publish, settle. Runs in the worker.

Every step is written down before the next begins, so that a worker killed anywhere is
followed by another that goes on from there and never asks a model again for what may have
been billed.
"""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Factoid, GenerationRequest, LanguageModel, ModelCall
from db.repositories.factoids import FactoidRepository
from db.repositories.generations import OPEN, GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain import live
from domain.generation import prompt, settlement
from domain.generation.answer import Draft, UnusableAnswer, read_answer, text_so_far
from domain.generation.progress import ProgressWriter
from domain.generation.requests import (
    PROMPT_BYTES_AT_MOST,
    GenerationNotFound,
    job_key,
    quote_usd,
)
from domain.llm.catalogue import CatalogueService, UnknownModel
from domain.llm.failures import ModelFailed
from domain.llm.openrouter import Answer, OpenRouter
from domain.logging import current_request_id
from domain.text import words

LEASE_S = 15
WATCH_EVERY_S = 1.0
"""How often the lease is renewed and a wish to cancel is looked for."""

CALLS_AT_MOST = 3
"""Tries to get one answer, counting only those known not to have been billed."""

EXAMPLES = 30
SIMILAR_AT_LEAST = 0.55
"""Trigram similarity from which two texts say the same: a changed word or two stays over 0.7,
different facts about one subject stay under 0.45."""

log = structlog.get_logger()


class GenerationFailed(Exception):
    """It ends here without a factoid, for a reason a visitor can be told."""

    def __init__(
        self, code: str, detail: str, *, status: str = "failed", allowance_returned: bool = True
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.status = status
        self.allowance_returned = allowance_returned


@dataclass
class _Judged:
    """A usable draft, or what to tell the model."""

    draft: Draft | None = None
    problem: str | None = None
    match: str | None = None


class GenerationService:
    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        redis: Redis,
    ) -> None:
        self._sessions = sessions
        self._openrouter = openrouter
        self._redis = redis
        self._progress = ProgressWriter(redis)
        self._catalogue = CatalogueService(sessions)

    async def run(self, request_id: UUID) -> None:
        """Bring a request to its end, unless it has one or another worker is at it."""
        async with self._sessions.begin() as session:
            request = await GenerationRepository(session).lease(request_id, LEASE_S)
        if request is None:
            await self._forget_if_over(request_id)
            return
        work = asyncio.create_task(self._write(request))
        watch = asyncio.create_task(self._watch(request_id))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done() and not work.done():
                await _stop(work)
                watch.result()
            await self._end(request, work)
        except asyncio.CancelledError:
            # This worker is going down: let the next one take over without waiting.
            await _stop(work)
            async with self._sessions.begin() as session:
                await GenerationRepository(session).drop_lease(request_id)
            raise
        finally:
            await _stop(watch)

    async def finish(self, request_id: UUID) -> GenerationRequest:
        """Run a request here, or wait for the worker that has it; returns it at its end."""
        while True:
            await self.run(request_id)
            async with self._sessions() as session:
                request = await GenerationRepository(session).get(request_id)
            if request is None or request.status not in OPEN:
                break
            await asyncio.sleep(WATCH_EVERY_S)
        if request is None:
            raise GenerationNotFound("The request is gone.")
        return request

    async def _forget_if_over(self, request_id: UUID) -> None:
        async with self._sessions.begin() as session:
            request = await GenerationRepository(session).get(request_id)
            if request is None or request.status not in OPEN:
                await OutboxRepository(session).done(job_key(request_id))

    async def _watch(self, request_id: UUID) -> None:
        """Keep the lease; return when somebody asked to cancel."""
        while True:
            async with self._sessions.begin() as session:
                if await GenerationRepository(session).renew_lease(request_id, LEASE_S):
                    return
            await asyncio.sleep(WATCH_EVERY_S)

    async def _end(self, request: GenerationRequest, work: "asyncio.Task[UUID]") -> None:
        factoid_id: UUID | None = None
        failure: GenerationFailed | None = None
        if work.cancelled():
            failure = GenerationFailed(
                "cancelled",
                "Cancelled. Nothing was published.",
                status="cancelled",
                allowance_returned=False,
            )
        elif error := work.exception():
            failure = _as_failure(error)
        else:
            factoid_id = work.result()
        if failure:
            async with self._sessions.begin() as session:
                await GenerationRepository(session).change(
                    request.id,
                    status=failure.status,
                    problem_code=failure.code,
                    problem_detail=failure.detail,
                    allowance_returned=failure.allowance_returned,
                    finished_at=datetime.now(UTC),
                )
                await settlement.sum_up(session, request.id)
                await OutboxRepository(session).done(job_key(request.id))
        async with self._sessions() as session:
            ended = await GenerationRepository(session).get(request.id)
        if ended:
            await self._progress.ended(ended)
            log.info("generation_ended", status=ended.status, code=ended.problem_code)
        if factoid_id:
            await live.tell(self._redis, live.FactoidPublished(factoid_id))

    async def _write(self, request: GenerationRequest) -> UUID:
        """The id of the published factoid.

        Raises:
            GenerationFailed, ModelFailed: There is none.
        """
        started = request.started_at or datetime.now(UTC)
        deadline = self._openrouter.patience.total_s - (datetime.now(UTC) - started).total_seconds()
        calls = await self._calls(request.id)
        answers = [call.answer for call in calls if call.answer is not None]
        if any(call.state == "called" for call in calls):
            raise GenerationFailed(
                "interrupted",
                "We were interrupted while the model was writing. Please try again.",
            )
        try:
            # An answer that is there already is published, however late it is.
            async with asyncio.timeout(None if answers else max(deadline, 1)):
                return await self._converse(request, answers)
        except TimeoutError as error:
            raise GenerationFailed(
                "model_timeout",
                "The language model took too long to answer. Please try again.",
            ) from error

    async def _converse(self, request: GenerationRequest, answers: list[str]) -> UUID:
        """Ask, and at most once each ask for a repair and for another fact."""
        conversation = await self._first_messages(request)
        repaired = varied = False
        for turn in range(CALLS_AT_MOST):
            answer = (
                answers[turn] if turn < len(answers) else await self._ask(request, conversation)
            )
            await self._progress.status(request.id, "checking", "Checking that it is new")
            judged = _judge(answer)
            if judged.draft:
                published = await self._publish(request, judged.draft)
                if published:
                    return published
                judged.match = judged.draft.text
            if judged.match:
                if varied:
                    break
                varied, more = True, prompt.another(answer, judged.match)
                told = "That one is published already, asking for another"
            else:
                if repaired:
                    raise GenerationFailed(
                        "unusable_answer",
                        "The language model did not write a proper factoid. Please try again.",
                    )
                repaired, more = True, prompt.repair(answer, judged.problem or "")
                told = "The answer could not be used, asking again"
            conversation = [*conversation, *more]
            await self._progress.status(request.id, "retrying", told)
        raise GenerationFailed(
            "duplicate",
            "The model only came up with facts that are here already. Try another topic.",
        )

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

    async def _ask(self, request: GenerationRequest, conversation: Sequence[dict[str, str]]) -> str:
        """One answer; models that fail without billing are retried or passed over."""
        await self._settle_earlier_calls(request.id)
        failed: list[str] = []
        for attempt in range(CALLS_AT_MOST):
            model = await self._model(request, failed)
            try:
                answer = await self._call(request, model, conversation)
            except ModelFailed as failure:
                await self._catalogue.note(model.id, failure)
                if failure.billed or not failure.again or attempt == CALLS_AT_MOST - 1:
                    raise
                failed.append(model.id)
                told = "The model is busy, trying again"
                await self._progress.status(request.id, "retrying", told)
                await asyncio.sleep(failure.retry_after_s or random.uniform(0.2, 0.6) * 2**attempt)
            else:
                await self._catalogue.note(model.id, None)
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _model(self, request: GenerationRequest, failed: Sequence[str]) -> LanguageModel:
        if request.model_asked or not failed:
            try:
                return await self._catalogue.choose(request.model)
            except UnknownModel as unknown:
                if request.model_asked:
                    raise GenerationFailed(
                        "model_gone", "That model is no longer offered. Pick another one."
                    ) from unknown
        return await self._catalogue.choose(None, besides=failed)

    async def _settle_earlier_calls(self, request_id: UUID) -> None:
        """A further call is only made once every earlier one is paid for or was free."""
        for call in await self._calls(request_id):
            if call.state == "answered" and not await settlement.settle_call(
                self._sessions, self._openrouter, call, patient=True
            ):
                raise GenerationFailed(
                    "unusable_answer",
                    "The language model did not write a proper factoid. Please try again.",
                )

    async def _call(
        self,
        request: GenerationRequest,
        model: LanguageModel,
        conversation: Sequence[dict[str, str]],
    ) -> str:
        number = len(await self._calls(request.id)) + 1
        call = ModelCall(
            request_id=request.id,
            number=number,
            model=model.id,
            state="called",
            quote_usd=quote_usd(model),
            called_at=datetime.now(UTC),
        )
        async with self._sessions.begin() as session:
            await GenerationRepository(session).add_call(call)
        await self._progress.status(request.id, "running", f"Asking {model.name}")
        body = prompt.body(
            model,
            conversation,
            temperature=request.temperature,
            user=_pseudonym(request),
            metadata={"generation": str(request.id), "request_id": current_request_id()},
        )
        try:
            async with self._openrouter.stream(body) as answer:
                if answer.upstream_id:
                    await self._note(request.id, number, upstream_id=answer.upstream_id)
                await self._follow(request.id, answer)
        except ModelFailed as failure:
            if not failure.billed:
                await self._note(request.id, number, state="unbilled", cost_usd=0)
            raise
        await self._note(request.id, number, **_answered(answer))
        return answer.text

    async def _follow(self, request_id: UUID, answer: Answer) -> None:
        """Tell the text of the fact while it is being written."""
        told = ""
        async for _ in answer:
            text = text_so_far(answer.text)
            if text == told or not text.startswith(told):
                continue
            if not told:
                await self._progress.status(request_id, "writing", "Writing")
            await self._progress.token(request_id, text[len(told) :])
            told = text

    async def _publish(self, request: GenerationRequest, draft: Draft) -> UUID | None:
        """Publish in one transaction with the request's end; None when it is no news."""
        calls = await self._calls(request.id)
        last = calls[-1]
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
            if await factoids.most_similar(draft.key, at_least=SIMILAR_AT_LEAST):
                return None
            await factoids.add(factoid)
            requests = GenerationRepository(session)
            await requests.change(
                request.id,
                status="succeeded",
                factoid_id=factoid.id,
                finished_at=datetime.now(UTC),
            )
            await settlement.sum_up(session, request.id)
            await OutboxRepository(session).done(job_key(request.id))
        return factoid.id

    async def _calls(self, request_id: UUID) -> list[ModelCall]:
        async with self._sessions() as session:
            return await GenerationRepository(session).calls(request_id)

    async def _note(self, request_id: UUID, number: int, **values: Any) -> None:
        async with self._sessions.begin() as session:
            await GenerationRepository(session).change_call(request_id, number, **values)


def _judge(answer: str) -> _Judged:
    try:
        return _Judged(draft=read_answer(answer))
    except UnusableAnswer as unusable:
        return _Judged(problem=str(unusable))


def _answered(answer: Answer) -> dict[str, Any]:
    """What an answer says of itself; settled when it also says its cost."""
    cost = answer.usage.cost
    return {
        "state": "answered" if cost is None else "settled",
        "cost_usd": cost,
        "cost_source": None if cost is None else "usage",
        "answer": answer.text,
        "upstream_id": answer.upstream_id,
        "provider": answer.provider,
        "prompt_tokens": answer.usage.prompt_tokens,
        "completion_tokens": answer.usage.completion_tokens,
        "first_token_s": answer.first_token_s,
        "total_s": answer.total_s,
    }


def _as_failure(error: BaseException) -> GenerationFailed:
    if isinstance(error, GenerationFailed):
        return error
    if isinstance(error, ModelFailed):
        return GenerationFailed(
            error.code,
            error.detail,
            status="refused" if error.refused else "failed",
            allowance_returned=not error.refused,
        )
    log.error("generation_crashed", exc_info=error)
    return GenerationFailed(
        "internal", "Something broke on our side. Please try again; it did not count."
    )


def _pseudonym(request: GenerationRequest) -> str:
    """A stable name for the asker that tells OpenRouter nothing else."""
    return sha256(f"visitor:{request.visitor_id}".encode()).hexdigest()[:32]


async def _stop(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await task
