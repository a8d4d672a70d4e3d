"""The model calls of a run: each has its money held and its row written before it is made."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import aclosing
from hashlib import sha256
from typing import Any, Generic
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import LanguageModel
from db.repositories.model_runs import Call, Run
from domain.llm.bills import Bill
from domain.llm.catalogue import CatalogueService, UnknownModel, cost_usd
from domain.llm.failures import ModelFailed
from domain.llm.openrouter import Completion, OpenRouter
from domain.llm.wire import Usage
from domain.model_runs import settlement
from domain.model_runs.failures import RunFailed
from domain.model_runs.kind import RunKind
from domain.model_runs.lease import Lease

TRIES_AT_MOST = 3
"""To get one completion, counting only calls known not to have been billed."""

Messages = Sequence[dict[str, Any]]


class ModelCaller(ABC, Generic[Run, Call]):
    """Calls models for one run."""

    def __init__(
        self,
        kind: RunKind[Run, Call],
        lease: Lease[Run],
        sessions: async_sessionmaker[AsyncSession],
        openrouter: OpenRouter,
        *,
        model_pinned: bool,
        needs: str | None = None,
    ) -> None:
        """With `model_pinned` no other model than the run's may answer; any model must list the
        parameter it `needs`.
        """
        self._kind = kind
        self._lease = lease
        self._run = lease.run
        self._sessions = sessions
        self._openrouter = openrouter
        self._catalogue = CatalogueService(sessions)
        self._model_id = lease.run.model
        self._model_pinned = model_pinned
        self._needs = needs

    @abstractmethod
    def _body(
        self, model: LanguageModel, messages: Messages, tools: Messages, *, tools_allowed: bool
    ) -> dict[str, Any]:
        """The request to OpenRouter."""

    @abstractmethod
    async def _open(self, model: LanguageModel, messages: Messages, tools: Messages) -> Call:
        """Hold the most the call can cost, and write the call down.

        Raises:
            RunFailed: There is no money for it, or it may not be made.
        """

    @abstractmethod
    async def _receive(self, completion: Completion) -> None:
        """Handle what has arrived of a completion, after each piece."""

    @abstractmethod
    async def _status(self, state: str, detail: str) -> None:
        """Report how far the run is."""

    def _completed(self, completion: Completion) -> dict[str, Any]:
        """More columns of the call to write when its completion is there."""
        return {}

    async def calls(self) -> list[Call]:
        """The calls of this run so far, also those of earlier workers."""
        async with self._sessions() as session:
            return await self._kind.repository(session).calls(self._run.id)

    async def complete(
        self, messages: Messages, tools: Messages = (), *, tools_allowed: bool = True
    ) -> Completion:
        """One completion; models that fail without billing are asked again or passed over.

        Raises:
            RunFailed, ModelFailed: There is none.
        """
        failed: list[str] = []
        for attempt in range(TRIES_AT_MOST):
            model = await self._choose(failed)
            try:
                completion = await self._call(model, messages, tools, tools_allowed)
            except ModelFailed as failure:
                await self._catalogue.note(model.id, failure)
                if attempt == TRIES_AT_MOST - 1 or not self._may_retry(failure):
                    raise
                failed.append(model.id)
                await self._status("retrying", "The model is busy, trying again")
                await asyncio.sleep(failure.retry_after_s or random.uniform(0.2, 0.6) * 2**attempt)
            else:
                await self._catalogue.note(model.id, None)
                return completion
        raise AssertionError("the last attempt returns or raises")

    def _may_retry(self, failure: ModelFailed) -> bool:
        elsewhere = failure.elsewhere and not self._model_pinned
        return not failure.billed and (failure.again or elsewhere)

    async def _choose(self, failed: Sequence[str]) -> LanguageModel:
        if self._model_pinned or not failed:
            try:
                return await self._catalogue.choose(self._model_id, needs=self._needs)
            except UnknownModel as unknown:
                if self._model_pinned:
                    raise RunFailed(self._kind.model_gone) from unknown
        return await self._catalogue.choose(None, besides=failed, needs=self._needs)

    async def _call(
        self, model: LanguageModel, messages: Messages, tools: Messages, tools_allowed: bool
    ) -> Completion:
        call = await self._open(model, messages, tools)
        body = self._body(model, messages, tools, tools_allowed=tools_allowed)
        try:
            async with self._openrouter.stream(body) as completion:
                await self._follow(call, completion)
        except ModelFailed as failure:
            if not failure.billed:
                async with self._lease.transaction() as session:
                    await settlement.record_unbilled(session, self._kind, call)
            raise
        await self._record(call, model, completion)
        return completion

    async def _follow(self, call: Call, completion: Completion) -> None:
        """Read a completion to its end.

        OpenRouter's id of it is written down as soon as it is known: without it the cost of a
        completion that breaks off could not be looked up.
        """
        recorded = await self._record_id(call, completion, None)
        async with aclosing(completion.pieces()) as pieces:
            async for _ in pieces:
                recorded = await self._record_id(call, completion, recorded)
                await self._receive(completion)

    async def _record_id(
        self, call: Call, completion: Completion, recorded: str | None
    ) -> str | None:
        # A server that states no costs cannot be asked for one.
        if self._openrouter.states_costs and completion.upstream_id != recorded:
            async with self._lease.transaction() as session:
                runs = self._kind.repository(session)
                await runs.change_call(call, upstream_id=completion.upstream_id)
        return completion.upstream_id

    async def _record(self, call: Call, model: LanguageModel, completion: Completion) -> None:
        """Record a completion, and its cost where that is known."""
        usage = completion.usage
        bill = self._bill(model, usage)
        async with self._lease.transaction() as session:
            await self._kind.repository(session).change_call(
                call,
                state="answered",
                upstream_id=completion.upstream_id if self._openrouter.states_costs else None,
                provider=completion.provider,
                prompt_tokens=usage.prompt_tokens,
                completion_tokens=usage.completion_tokens,
                first_token_s=completion.first_token_s,
                total_s=completion.total_s,
                **self._completed(completion),
            )
            if bill:
                await settlement.record_bill(session, self._kind, call, bill)

    def _bill(self, model: LanguageModel, usage: Usage) -> Bill | None:
        if usage.cost_usd is not None:
            return Bill(usage.cost_usd, "usage")
        if self._openrouter.states_costs or None in (usage.prompt_tokens, usage.completion_tokens):
            return None
        return Bill(cost_usd(model, usage), "computed")


def pseudonym(caller_id: UUID | None) -> str:
    """A stable name for a caller that discloses nothing else to OpenRouter."""
    return sha256(f"visitor:{caller_id}".encode()).hexdigest()[:32]
