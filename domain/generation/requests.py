"""Asking for a factoid: what is checked and written down before anything is called."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import GenerationRequest, LanguageModel, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.generations import OPEN, GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain.caller import SCHEDULER, Caller
from domain.captcha import Proof
from domain.errors import Conflict, Invalid, NotFound, RateLimited
from domain.generation import allowance, prompt
from domain.idempotency import Attempt
from domain.limits.budget import Budget, BudgetState, BudgetUsedUp
from domain.limits.rate_limit import LimiterAway, RateLimiter
from domain.limits.step_up import CaptchaAway, CaptchaRequired, StepUp
from domain.llm.catalogue import CatalogueService, worst_case_usd
from domain.logging import current_request_id
from domain.text import clean, graphemes

TOPIC_GRAPHEMES = 120
TOPIC_LENGTH = 1_000
"""In code points, of which one character may have any number."""

NEWEST_SHOWN = 5

PROMPT_BYTES_AT_MOST = 16_000
"""What the examples and the topic may add up to; the quote is made for so much."""

JOB = "run_generation"


class GenerationNotFound(NotFound):
    code = "generation_not_found"


class GenerationFinished(Conflict):
    code = "generation_finished"


@dataclass(frozen=True)
class Wish:
    """What somebody would like to read about; everything may be left open."""

    topic: str | None = None
    model: str | None = None
    temperature: float | None = None
    proof: Proof | None = None
    """Of being a person, where that is asked for."""


@dataclass
class GenerationState:
    """A request and the model calls made for it."""

    request: GenerationRequest
    calls: list[ModelCall]


def quote_usd(model: LanguageModel) -> Decimal:
    """The most one call with this model can cost, in US dollars."""
    return worst_case_usd(model, PROMPT_BYTES_AT_MOST)


class GenerationRequests:
    """Requests as those who ask see them. Opens its own short transactions."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        catalogue: CatalogueService,
        limiter: RateLimiter,
        budget: Budget,
        step_up: StepUp | None = None,
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._limiter = limiter
        self._budget = budget
        self._step_up = step_up

    async def create(
        self,
        caller: Caller,
        wish: Wish,
        *,
        origin: Literal["manual", "api"],
        attempt: Attempt | None = None,
    ) -> GenerationState:
        """Write down a request and the job that answers it, in one transaction.

        Another `attempt` at it gets the request that an earlier one has made.

        Raises:
            Invalid: The topic is too long.
            UnknownModel, NoModels: See `CatalogueService.choose`.
            CaptchaRequired, CaptchaAway: See `StepUp.check`.
            GenerationLimit: The caller or their network has had their share.
            LimiterAway: How much they have had cannot be told.
            BudgetUsedUp: There is no money left for it today.
        """
        attempt = attempt or Attempt(uuid7(), first=True)
        if not attempt.first:
            with suppress(GenerationNotFound):
                return await self.get(caller, attempt.result_id)
            # One that died before it was written down may have been counted.
            await self._give_back(caller, attempt.result_id)
        topic = clean(wish.topic) if wish.topic else ""
        if graphemes(topic) > TOPIC_GRAPHEMES or len(topic) > TOPIC_LENGTH:
            raise Invalid(
                f"A topic has at most {TOPIC_GRAPHEMES} characters. Yours has {graphemes(topic)}.",
                field="/topic",
            )
        model = await self._catalogue.choose(wish.model)
        await self._check_person(caller, wish.proof)
        request = _request(caller, model, wish, topic=topic or None, origin=origin)
        request.id = attempt.result_id
        try:
            await self._limiter.hit(allowance.POLICY, caller, member=str(request.id))
        except RateLimited:
            if self._step_up:
                await self._step_up.note_refusal(caller)
            raise
        try:
            await self._write_down(caller, request)
        except BaseException:
            with suppress(LimiterAway):
                await self._give_back(caller, request.id)
            raise
        return GenerationState(request, [])

    async def _check_person(self, caller: Caller, proof: Proof | None) -> None:
        if not self._step_up:
            return
        try:
            await self._step_up.check(caller, proof)
        except (CaptchaRequired, CaptchaAway) as refusal:
            await self._limiter.count_refusal(allowance.POLICY, caller, refusal.reason)
            raise

    async def create_scheduled(self, slot: datetime) -> GenerationRequest:
        """The request for a moment of the schedule: the one there is, else a new one.

        Raises:
            NoModels, BudgetUsedUp: It cannot be made now.
        """
        async with self._sessions() as session:
            there = await GenerationRepository(session).of_slot(slot)
        if there:
            return there
        model = await self._catalogue.choose(None)
        request = _request(SCHEDULER, model, Wish(), topic=None, origin="scheduled")
        request.slot = slot
        try:
            await self._write_down(SCHEDULER, request)
        except IntegrityError:
            # Another worker was first; the database lets only one request have the slot.
            return await self.create_scheduled(slot)
        return request

    async def newest_slot(self) -> datetime | None:
        """The latest moment of the schedule a request was ever made for."""
        async with self._sessions() as session:
            return await GenerationRepository(session).newest_slot()

    async def get(self, caller: Caller, request_id: UUID) -> GenerationState:
        """Raises: GenerationNotFound: There is none, or it is somebody else's."""
        async with self._sessions() as session:
            requests = GenerationRepository(session)
            request = await requests.get(request_id)
            if request is None or request.caller_id != caller.id:
                raise GenerationNotFound("There is no such request of yours.")
            return GenerationState(request, await requests.calls(request_id))

    async def newest(self, caller: Caller) -> list[GenerationState]:
        """The caller's own last requests, newest first."""
        if caller.id is None:
            return []
        async with self._sessions() as session:
            requests = GenerationRepository(session)
            found = await requests.newest_of(caller.id, NEWEST_SHOWN)
            return [GenerationState(one, await requests.calls(one.id)) for one in found]

    async def cancel(self, caller: Caller, request_id: UUID) -> GenerationState:
        """Stop a request: at once when it waits, within a second when it is running.

        Cancelling twice is harmless.

        Raises:
            GenerationNotFound: There is none, or it is somebody else's.
            GenerationFinished: It ended otherwise before.
        """
        state = await self.get(caller, request_id)
        if state.request.status == "cancelled":
            return state
        if state.request.status not in OPEN:
            raise GenerationFinished("It is finished already, so there is nothing to cancel.")
        async with self._sessions.begin() as session:
            requests = GenerationRepository(session)
            if returned := await requests.cancel_queued(request_id):
                await BudgetRepository(session).release(request_id)
                await OutboxRepository(session).done(job_key(request_id))
                await allowance.promise(session, request_id)
                asked = True
            else:
                asked = await requests.ask_cancel(request_id)
        if returned:
            await allowance.return_now(self._sessions, self._limiter, request_id)
        state = await self.get(caller, request_id)
        if not asked and state.request.status != "cancelled":
            raise GenerationFinished("It finished just now, so there is nothing to cancel.")
        return state

    async def _give_back(self, caller: Caller, request_id: UUID) -> None:
        await self._limiter.give_back(allowance.POLICY, caller.id, caller.network, str(request_id))

    async def budget(self, caller: Caller) -> BudgetState:
        """What the caller may still spend today; used up when no model can be afforded."""
        quotes = [quote_usd(model) for model in await self._catalogue.models()]
        async with self._sessions() as session:
            return await self._budget.state(
                session, caller, least_usd=min(quotes, default=Decimal(0))
            )

    async def _write_down(self, caller: Caller, request: GenerationRequest) -> None:
        """The request, the job that answers it and the money for it, or none of them.

        Raises:
            BudgetUsedUp: There is no money for it.
        """
        try:
            async with self._sessions.begin() as session:
                await GenerationRepository(session).add(request)
                await OutboxRepository(session).add(
                    JOB,
                    job_key(request.id),
                    request_id=str(request.id),
                    meta={"request_id": current_request_id()},
                )
                await session.refresh(request)
                # The busy rows come last, so that they are locked for as short as can be.
                await self._budget.reserve(session, caller, request.id, request.quote_usd)
        except BudgetUsedUp as refusal:
            async with self._sessions.begin() as session:
                await self._budget.note_refusal(session, caller, refusal)
            await self._limiter.count_refusal(allowance.POLICY, caller, "budget")
            raise


def job_key(request_id: UUID) -> str:
    return f"generate:{request_id}"


def _request(
    caller: Caller, model: LanguageModel, wish: Wish, *, topic: str | None, origin: str
) -> GenerationRequest:
    return GenerationRequest(
        caller_id=caller.id,
        network=caller.network,
        origin=origin,
        topic=topic,
        model=model.id,
        model_asked=wish.model is not None,
        temperature=wish.temperature,
        prompt_version=prompt.PROMPT_VERSION,
        quote_usd=quote_usd(model),
    )
