"""The model calls of one generation request."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import GenerationRequest, LanguageModel, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.generations import GenerationRepository
from domain.generation import failures, prompt
from domain.generation.answer import text_so_far
from domain.generation.input import PROMPT_BYTES_AT_MOST, quote_usd
from domain.generation.kind import GENERATIONS
from domain.infra.logging import current_request_id
from domain.llm.openrouter import Completion, OpenRouter
from domain.model_runs import settlement
from domain.model_runs.calls import Messages, ModelCaller, pseudonym
from domain.model_runs.failures import RunFailed, deadline
from domain.model_runs.lease import Lease
from domain.model_runs.progress import ProgressWriter

log = structlog.get_logger()


class GenerationCaller(ModelCaller[GenerationRequest, ModelCall]):
    """Calls models for one request, all calls within the client's total patience."""

    def __init__(
        self,
        lease: Lease[GenerationRequest],
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        progress: ProgressWriter[GenerationRequest],
    ) -> None:
        super().__init__(
            GENERATIONS, lease, sessions, openrouter, model_pinned=lease.run.model_pinned
        )
        self._progress = progress
        self._streamed = ""
        self._until = 0.0

    async def resume(self) -> list[str]:
        """The answers that models have given to earlier workers; patience counts from the first
        call that may have been billed.

        Raises:
            RunFailed: A worker was killed during a call, which may have been billed.
        """
        calls = await self.calls()
        if any(call.state == "called" for call in calls):
            raise RunFailed(failures.INTERRUPTED)
        # A paid request may be tried again long after calls that were not billed.
        billed = [call for call in calls if call.state != "unbilled"]
        elapsed_s = (datetime.now(UTC) - billed[0].called_at).total_seconds() if billed else 0.0
        now = asyncio.get_running_loop().time()
        self._until = now + self._openrouter.patience.total_s - elapsed_s
        return [call.answer for call in calls if call.answer is not None]

    async def ask(self, conversation: Messages) -> str:
        """The answer of a model, a JSON object if it does as it is told.

        Raises:
            RunFailed, ModelFailed: There is none.
        """
        async with deadline(self._until, failures.OUT_OF_TIME):
            return (await self.complete(conversation)).output

    async def settle(self) -> bool:
        """Settle the calls made, as must be before another one; whether all costs are known."""
        for call in await self.calls():
            if call.state == "answered" and not await settlement.fetch_bill(
                self._sessions, self._openrouter, GENERATIONS, call, patient=True
            ):
                return False
        return True

    async def _open(self, model: LanguageModel, messages: Messages, tools: Messages) -> ModelCall:
        if prompt.size(messages) > PROMPT_BYTES_AT_MOST:
            # The quote covers no more. Prompts are cut so that this never happens.
            raise RunFailed(failures.UNUSABLE_ANSWER)
        async with self._lease.transaction() as session:
            requests = GenerationRepository(session)
            calls = await requests.calls(self._run.id)
            call = ModelCall(
                request_id=self._run.id,
                number=len(calls) + 1,
                model=model.id,
                state="called",
                quote_usd=quote_usd(model),
                called_at=datetime.now(UTC),
            )
            most_usd = sum((made.most_usd for made in [*calls, call]), Decimal(0))
            full_pot = await BudgetRepository(session).extend(self._run.id, most_usd)
            if full_pot is None:
                await requests.add_call(call)
        if full_pot:
            log.warning("budget_used_up", pot=full_pot, call=call.number)
            raise RunFailed(failures.BUDGET_USED_UP)
        self._streamed = ""
        await self._status("running", f"Asking {model.name}")
        return call

    def _body(
        self, model: LanguageModel, messages: Messages, tools: Messages, *, tools_allowed: bool
    ) -> dict[str, Any]:
        return prompt.body(
            model,
            messages,
            temperature=self._run.temperature,
            user=pseudonym(self._run.caller_id),
            metadata={"generation": str(self._run.id), "request_id": current_request_id()},
        )

    async def _receive(self, completion: Completion) -> None:
        """Publish what is new of the factoid's text."""
        text = text_so_far(completion.output)
        if text == self._streamed or not text.startswith(self._streamed):
            return
        if not self._streamed:
            await self._status("writing", "Writing")
        await self._progress.write("token", {"text": text[len(self._streamed) :]})
        self._streamed = text

    def _completed(self, completion: Completion) -> dict[str, Any]:
        return {"answer": completion.output}

    async def _status(self, state: str, detail: str) -> None:
        await self._progress.status(state, detail)
