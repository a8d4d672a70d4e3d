"""Asking models on behalf of one request: each call is written down before it is made."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import GenerationRequest, LanguageModel, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.generations import GenerationRepository
from domain.generation import failures, prompt, settlement
from domain.generation.answer import text_so_far
from domain.generation.input import PROMPT_BYTES_AT_MOST, quote_usd
from domain.generation.progress import ProgressWriter
from domain.infra.logging import current_request_id
from domain.llm.catalogue import CatalogueService, UnknownModel
from domain.llm.failures import ModelFailed
from domain.llm.openrouter import Answer, OpenRouter
from domain.model_runs.lease import Lease

CALLS_AT_MOST = 3
"""Tries to get one answer, counting only those known not to have been billed."""

log = structlog.get_logger()


class Asking:
    """The model calls of one request, all of them within the client's total patience."""

    def __init__(
        self,
        lease: Lease[GenerationRequest],
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        progress: ProgressWriter,
    ) -> None:
        self._lease = lease
        self._request = lease.request
        self._sessions = sessions
        self._openrouter = openrouter
        self._progress = progress
        self._catalogue = CatalogueService(sessions)
        self._until = 0.0

    async def begin(self) -> list[str]:
        """What models have answered already, before another worker was killed.

        Raises:
            GenerationFailed: It was killed during a call, which may have been billed.
        """
        calls = await self.calls()
        if any(call.state == "called" for call in calls):
            raise failures.interrupted()
        # Patience is for what may be billed; what is paid for is tried again much later.
        counted = [call for call in calls if call.state != "unbilled"]
        waited_s = (datetime.now(UTC) - counted[0].called_at).total_seconds() if counted else 0.0
        loop = asyncio.get_running_loop()
        self._until = loop.time() + self._openrouter.patience.total_s - waited_s
        return [call.answer for call in calls if call.answer is not None]

    async def calls(self) -> list[ModelCall]:
        async with self._sessions() as session:
            return await GenerationRepository(session).calls(self._request.id)

    async def settle(self) -> bool:
        """Settle the calls made; only then may another one be. Tells whether all are."""
        for call in await self.calls():
            if call.state == "answered" and not await settlement.settle_call(
                self._sessions, self._openrouter, call, patient=True
            ):
                return False
        return True

    async def ask(self, conversation: Sequence[dict[str, str]]) -> str:
        """One answer; models that fail without billing are asked again or passed over.

        Raises:
            GenerationFailed, ModelFailed: There is none.
        """
        patience = asyncio.timeout_at(self._until)
        try:
            async with patience:
                return await self._ask(conversation)
        except TimeoutError as error:
            if patience.expired():
                raise failures.out_of_time() from error
            raise

    async def _ask(self, conversation: Sequence[dict[str, str]]) -> str:
        failed: list[str] = []
        for attempt in range(CALLS_AT_MOST):
            model = await self._model(failed)
            try:
                answer = await self._call(model, conversation)
            except ModelFailed as failure:
                await self._catalogue.note(model.id, failure)
                if failure.billed or not failure.again or attempt == CALLS_AT_MOST - 1:
                    raise
                failed.append(model.id)
                told = "The model is busy, trying again"
                await self._progress.status(self._request.id, "retrying", told)
                await asyncio.sleep(failure.retry_after_s or random.uniform(0.2, 0.6) * 2**attempt)
            else:
                await self._catalogue.note(model.id, None)
                return answer
        raise AssertionError("the last attempt returns or raises")

    async def _model(self, failed: Sequence[str]) -> LanguageModel:
        request = self._request
        if request.model_pinned or not failed:
            try:
                return await self._catalogue.choose(request.model)
            except UnknownModel as unknown:
                if request.model_pinned:
                    raise failures.model_gone() from unknown
        return await self._catalogue.choose(None, besides=failed)

    async def _call(self, model: LanguageModel, conversation: Sequence[dict[str, str]]) -> str:
        request = self._request
        if prompt.size(conversation) > PROMPT_BYTES_AT_MOST:
            # The quote covers no more. What is shown to a model is cut so that this never happens.
            raise failures.unusable_answer()
        number = len(await self.calls()) + 1
        call = ModelCall(
            request_id=request.id,
            number=number,
            model=model.id,
            state="called",
            quote_usd=quote_usd(model),
            called_at=datetime.now(UTC),
        )
        async with self._lease.transaction() as session:
            if not (full := await self._hold(session, call)):
                await GenerationRepository(session).add_call(call)
        if full:
            log.warning("budget_used_up", pot=full, call=number)
            raise failures.budget_used_up()
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
                await self._follow(number, answer)
        except ModelFailed as failure:
            if not failure.billed:
                await self._note(number, state="unbilled", cost_usd=0)
            raise
        await self._note(number, **_answered(answer))
        return answer.text

    async def _hold(self, session: AsyncSession, call: ModelCall) -> str | None:
        """See to it that the most this call can cost is held, beside what others have cost.

        Returns:
            The pot without room for it, or None.
        """
        calls = [*await GenerationRepository(session).calls(call.request_id), call]
        most_usd = sum((_most_usd(one) for one in calls), Decimal(0))
        return await BudgetRepository(session).extend(call.request_id, most_usd)

    async def _follow(self, number: int, answer: Answer) -> None:
        """Tell the text of the fact while it is being written.

        The name OpenRouter gave the answer is written down as soon as it is known: without
        it nobody can ask afterwards what an answer that breaks off has cost.
        """
        named = answer.upstream_id
        if named:
            await self._note(number, upstream_id=named)
        told = ""
        async with aclosing(answer.pieces()) as pieces:
            async for _ in pieces:
                if answer.upstream_id != named:
                    named = answer.upstream_id
                    await self._note(number, upstream_id=named)
                text = text_so_far(answer.text)
                if text == told or not text.startswith(told):
                    continue
                if not told:
                    await self._progress.status(self._request.id, "writing", "Writing")
                await self._progress.token(self._request.id, text[len(told) :])
                told = text

    async def _note(self, number: int, **values: Any) -> None:
        async with self._lease.transaction() as session:
            await GenerationRepository(session).change_call(self._request.id, number, **values)


def _most_usd(call: ModelCall) -> Decimal:
    """The most a call has cost or will."""
    if call.state == "unbilled":
        return Decimal(0)
    return call.quote_usd if call.cost_usd is None else call.cost_usd


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


def _pseudonym(request: GenerationRequest) -> str:
    """A stable name for the asker that tells OpenRouter nothing else."""
    return sha256(f"visitor:{request.caller_id}".encode()).hexdigest()[:32]
