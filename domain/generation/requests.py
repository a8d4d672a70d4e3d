"""Requesting a factoid: what is checked and written down before any model is called."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import GenerationRequest, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.credits import CreditRepository
from db.repositories.generations import GenerationRepository, LanguageModelRepository
from domain.caller import SCHEDULER, Caller
from domain.errors import Conflict, NotFound, RateLimited
from domain.generation.input import PAID, GenerationInput, new_request, quote_usd, read_topic
from domain.generation.kind import GENERATIONS
from domain.idempotency import Attempt
from domain.limits.captcha import Proof
from domain.limits.rate_limit import LimiterAway, RateLimiter
from domain.limits.step_up import CaptchaAway, CaptchaRequired, StepUp
from domain.llm.catalogue import CatalogueService, choose_of
from domain.model_runs import allowance
from domain.model_runs.allowance import NoCredits
from domain.spending.budget import Budget, BudgetState, BudgetUsedUp
from domain.spending.credits import GENERATIONS as PRODUCT
from domain.spending.credits import HELD, credits_left

NEWEST_SHOWN = 5


class GenerationNotFound(NotFound):
    code = "generation_not_found"


class GenerationFinished(Conflict):
    code = "generation_finished"


@dataclass
class GenerationState:
    """A request and the model calls made for it."""

    request: GenerationRequest
    calls: list[ModelCall]
    credit: str | None = None
    """The state of the credit that pays for it: held, used or given_back; None without one."""


class GenerationRequests:
    """Requests as their callers see them; opens its own short transactions."""

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
        inputs: GenerationInput,
        *,
        origin: Literal["manual", "api"],
        attempt: Attempt | None = None,
    ) -> GenerationState:
        """Add a request and the job that carries it out, in one transaction.

        A repeated `attempt` gets the request that the first one made.

        Raises:
            Invalid: The topic is too long.
            UnknownModel, NoModels: See `CatalogueService.choose`.
            CaptchaRequired, CaptchaAway: See `StepUp.check`.
            GenerationLimit: The limit of the caller or their network is reached.
            LimiterAway: The limits are unknown.
            NoCredits: It was to be paid with a credit, and none is left. Credits are subject to
                none of the three above.
            BudgetUsedUp: There is no money left for it today.
        """
        attempt = attempt or Attempt(uuid7(), first=True)
        if not attempt.first:
            with suppress(GenerationNotFound):
                return await self.get(caller, attempt.result_id)
            if inputs.pay_with == "allowance":
                # A process that died before the request was added may have counted it.
                await self._give_back(caller, attempt.result_id)
        topic, model = read_topic(inputs.topic), await self._catalogue.choose(inputs.model)
        request = new_request(caller, model, inputs, topic=topic, origin=origin)
        request.id = attempt.result_id
        if inputs.pay_with == "credit":
            await self._add(caller, request)
            return GenerationState(request, [], HELD)
        await self._check_person(caller, inputs.proof)
        try:
            await self._limiter.hit(GENERATIONS.limit_policy, caller, member=str(request.id))
        except RateLimited:
            if self._step_up:
                await self._step_up.count_refusal(caller)
            raise
        try:
            await self._add(caller, request)
        except BaseException:
            with suppress(LimiterAway):
                await self._give_back(caller, request.id)
            raise
        return GenerationState(request, [])

    async def begin_on_credit(
        self, session: AsyncSession, owner: UUID, inputs: GenerationInput, *, request_id: UUID
    ) -> GenerationRequest:
        """Begin what a visitor has just bought credits for, in the transaction that grants them.

        On an error nothing of it is added, and the transaction may go on. It should end soon
        afterwards, since the rows of the pots are contended.

        Raises:
            Invalid, UnknownModel, NoModels, NoCredits, BudgetUsedUp: As `create`.
        """
        caller, inputs = Caller("visitor", owner, None), replace(inputs, pay_with="credit")
        topic = read_topic(inputs.topic)
        models = await LanguageModelRepository(session).all()
        request = new_request(
            caller, choose_of(models, inputs.model), inputs, topic=topic, origin=PAID
        )
        request.id = request_id
        try:
            async with session.begin_nested():
                await self._begin(session, caller, request)
        except BudgetUsedUp as refusal:
            await self._budget.record_refusal(session, refusal)
            raise
        return request

    async def _check_person(self, caller: Caller, proof: Proof | None) -> None:
        if not self._step_up:
            return
        try:
            await self._step_up.check(caller, proof)
        except (CaptchaRequired, CaptchaAway) as refusal:
            await self._limiter.count_refusal(GENERATIONS.limit_policy, caller, refusal.reason)
            raise

    async def create_scheduled(self, slot: datetime) -> GenerationRequest:
        """The request for a slot of the schedule: the existing one, else a new one.

        Raises:
            NoModels, BudgetUsedUp: It cannot be made now.
        """
        async with self._sessions() as session:
            existing = await GenerationRepository(session).of_slot(slot)
        if existing:
            return existing
        model = await self._catalogue.choose(None)
        request = new_request(SCHEDULER, model, GenerationInput(), topic=None, origin="scheduled")
        request.slot = slot
        try:
            await self._add(SCHEDULER, request)
        except IntegrityError:
            # Another worker was first; a unique index allows one request for each slot.
            return await self.create_scheduled(slot)
        return request

    async def newest_slot(self) -> datetime | None:
        """The latest slot of the schedule that a request was made for."""
        async with self._sessions() as session:
            return await GenerationRepository(session).newest_slot()

    async def get(self, caller: Caller, request_id: UUID) -> GenerationState:
        """Raises: GenerationNotFound: There is none, or it is another caller's."""
        async with self._sessions() as session:
            requests = GenerationRepository(session)
            request = await requests.get(request_id)
            if request is None or request.caller_id != caller.id:
                raise GenerationNotFound("There is no such request of yours.")
            return await self._state(session, request)

    async def newest(self, caller: Caller) -> list[GenerationState]:
        """The caller's own last requests, newest first."""
        if caller.id is None:
            return []
        async with self._sessions() as session:
            found = await GenerationRepository(session).newest_of(caller.id, NEWEST_SHOWN)
            return [await self._state(session, request) for request in found]

    async def cancel(self, caller: Caller, request_id: UUID) -> GenerationState:
        """Stop a request: at once while it is queued, within a second while it is running.

        Cancelling twice is harmless.

        Raises:
            GenerationNotFound: There is none, or it is another caller's.
            GenerationFinished: It is finished, and was not cancelled.
        """
        state = await self.get(caller, request_id)
        paid = state.request.origin == PAID
        if state.request.status == "cancelled":
            return state
        if not state.request.is_open:
            raise GenerationFinished("It is finished already, so there is nothing to cancel.")
        async with self._sessions.begin() as session:
            requests = GenerationRepository(session)
            if was_queued := await requests.cancel_queued(request_id):
                await GENERATIONS.run_job.done(session, request_id)
                if paid:
                    await CreditRepository(session).give_back(request_id)
                else:
                    await allowance.promise_return(session, GENERATIONS, request_id)
                await BudgetRepository(session).release(request_id)
                requested = True
            else:
                requested = await requests.request_cancel(request_id)
        if was_queued and not paid:
            await allowance.return_place_now(self._sessions, self._limiter, GENERATIONS, request_id)
        state = await self.get(caller, request_id)
        if not requested and state.request.status != "cancelled":
            raise GenerationFinished("It finished just now, so there is nothing to cancel.")
        return state

    async def _state(self, session: AsyncSession, request: GenerationRequest) -> GenerationState:
        calls = await GenerationRepository(session).calls(request.id)
        if request.origin != PAID:
            return GenerationState(request, calls)
        return GenerationState(request, calls, await CreditRepository(session).state(request.id))

    async def _give_back(self, caller: Caller, request_id: UUID) -> None:
        await self._limiter.give_back(
            GENERATIONS.limit_policy, caller.id, caller.network, str(request_id)
        )

    async def budget(self, caller: Caller) -> BudgetState:
        """What the caller may still spend today; used up when it suffices for no model."""
        quotes = [quote_usd(model) for model in await self._catalogue.models()]
        async with self._sessions() as session:
            return await self._budget.state(
                session, caller, least_usd=min(quotes, default=Decimal(0))
            )

    async def credits_left(self, caller: Caller) -> int:
        """Factoids that are paid for and not requested yet."""
        async with self._sessions() as session:
            return await credits_left(session, caller.owner, PRODUCT)

    async def _add(self, caller: Caller, request: GenerationRequest) -> None:
        """Add a request in a transaction of its own; raises as `_begin`."""
        try:
            async with self._sessions.begin() as session:
                await self._begin(session, caller, request)
        except BudgetUsedUp as refusal:
            async with self._sessions.begin() as session:
                await self._budget.record_refusal(session, refusal)
            await self._limiter.count_refusal(GENERATIONS.limit_policy, caller, "budget")
            raise

    async def _begin(
        self, session: AsyncSession, caller: Caller, request: GenerationRequest
    ) -> None:
        """Add the request and its job, and hold the credit and the money for it.

        Raises:
            NoCredits, BudgetUsedUp: There is none for it; then the transaction is rolled back.
        """
        paid = request.origin == PAID
        if paid and not await self._hold_credit(session, caller, request.id):
            raise NoCredits("You have no credits left. Buy more, or wait for a free factoid.")
        await GenerationRepository(session).add(request)
        await GENERATIONS.run_job.enqueue(session, request.id)
        await session.refresh(request)
        # The contended rows come last, so that they are locked as briefly as possible.
        await self._budget.reserve(session, caller, request.id, request.quote_usd, paid=paid)

    async def _hold_credit(self, session: AsyncSession, caller: Caller, request_id: UUID) -> bool:
        if caller.owner is None:
            return False
        return await CreditRepository(session).hold(caller.owner, PRODUCT, request_id)
