"""Asking for a factoid: what is checked and written down before anything is called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import GenerationRequest, LanguageModel, ModelCall
from db.repositories.generations import OPEN, GenerationRepository
from db.repositories.outbox import OutboxRepository
from domain.caller import SCHEDULER, Caller
from domain.errors import Conflict, Invalid, NotFound
from domain.generation import prompt
from domain.limits.allowance import Allowance, GenerationAllowance, Window
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
        windows: Sequence[Window],
    ) -> None:
        self._sessions = sessions
        self._catalogue = catalogue
        self._windows = windows

    async def create(
        self, caller: Caller, wish: Wish, *, origin: Literal["manual", "api"]
    ) -> GenerationState:
        """Write down a request and the job that answers it, in one transaction.

        Raises:
            Invalid: The topic is too long.
            UnknownModel, NoModels: See `CatalogueService.choose`.
            AllowanceUsedUp: The caller or their network has had their share.
        """
        topic = clean(wish.topic) if wish.topic else ""
        if graphemes(topic) > TOPIC_GRAPHEMES or len(topic) > TOPIC_LENGTH:
            raise Invalid(
                f"A topic has at most {TOPIC_GRAPHEMES} characters. Yours has {graphemes(topic)}.",
                field="/topic",
            )
        model = await self._catalogue.choose(wish.model)
        async with self._sessions.begin() as session:
            requests = GenerationRepository(session)
            await GenerationAllowance(requests, self._windows).check(caller)
            request = _request(caller, model, wish, topic=topic or None, origin=origin)
            await _write_down(session, request)
        return GenerationState(request, [])

    async def create_scheduled(self, slot: datetime) -> GenerationRequest:
        """The request for a moment of the schedule: the one there is, else a new one."""
        async with self._sessions() as session:
            there = await GenerationRepository(session).of_slot(slot)
        if there:
            return there
        model = await self._catalogue.choose(None)
        request = _request(SCHEDULER, model, Wish(), topic=None, origin="scheduled")
        request.slot = slot
        try:
            async with self._sessions.begin() as session:
                await _write_down(session, request)
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
            if request is None or request.visitor_id != caller.visitor_id:
                raise GenerationNotFound("There is no such request of yours.")
            return GenerationState(request, await requests.calls(request_id))

    async def newest(self, caller: Caller) -> list[GenerationState]:
        """The caller's own last requests, newest first."""
        if caller.visitor_id is None:
            return []
        async with self._sessions() as session:
            requests = GenerationRepository(session)
            found = await requests.newest_of(caller.visitor_id, NEWEST_SHOWN)
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
            if await requests.cancel_queued(request_id):
                await OutboxRepository(session).done(job_key(request_id))
                asked = True
            else:
                asked = await requests.ask_cancel(request_id)
        state = await self.get(caller, request_id)
        if not asked and state.request.status != "cancelled":
            raise GenerationFinished("It finished just now, so there is nothing to cancel.")
        return state

    async def allowance(self, caller: Caller) -> list[Allowance]:
        async with self._sessions() as session:
            return await GenerationAllowance(GenerationRepository(session), self._windows).left(
                caller
            )


def job_key(request_id: UUID) -> str:
    return f"generate:{request_id}"


def _request(
    caller: Caller, model: LanguageModel, wish: Wish, *, topic: str | None, origin: str
) -> GenerationRequest:
    return GenerationRequest(
        visitor_id=caller.visitor_id,
        network=caller.network,
        origin=origin,
        topic=topic,
        model=model.id,
        model_asked=wish.model is not None,
        temperature=wish.temperature,
        prompt_version=prompt.PROMPT_VERSION,
        quote_usd=quote_usd(model),
    )


async def _write_down(session: AsyncSession, request: GenerationRequest) -> None:
    await GenerationRepository(session).add(request)
    await OutboxRepository(session).add(
        JOB,
        job_key(request.id),
        request_id=str(request.id),
        meta={"request_id": current_request_id()},
    )
    await session.refresh(request)
