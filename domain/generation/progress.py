"""The progress of a generation, which any number of readers can follow."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import GenerationRequest
from db.repositories.generations import OPEN, GenerationRepository
from domain.model_runs.event_log import EventReader, EventWriter, LoggedEvent

END = "end"
"""The id of a last event that was told from Postgres."""

LAST_EVENTS = {"factoid", "error"}

ProgressEvent = LoggedEvent
"""Named status, token, factoid or error; the last two end it."""


class ProgressWriter:
    """Where the worker tells how far it is."""

    def __init__(self, redis: Redis) -> None:
        self._events = EventWriter(redis)

    async def status(self, request_id: UUID, state: str, detail: str) -> None:
        await self._events.add(_key(request_id), "status", {"state": state, "detail": detail})

    async def token(self, request_id: UUID, text: str) -> None:
        await self._events.add(_key(request_id), "token", {"text": text})

    async def ended(self, request: GenerationRequest) -> None:
        await self._events.add(_key(request.id), *last_event(request))


class ProgressReader:
    def __init__(self, redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._events = EventReader(redis)
        self._sessions = sessions

    async def is_over(self, request_id: UUID, after: str | None) -> bool:
        """Whether a reader who has seen event `after` has seen the last one."""
        return after == END or await self._events.is_last(_key(request_id), after, LAST_EVENTS)

    def follow(self, request_id: UUID, after: str | None) -> AsyncGenerator[ProgressEvent | None]:
        """Every event after the one seen last, to the end; see `EventReader.follow`."""

        async def over() -> ProgressEvent | None:
            async with self._sessions() as session:
                request = await GenerationRepository(session).get(request_id)
            if request is not None and request.status in OPEN:
                return None
            return ProgressEvent(END, *last_event(request))

        return self._events.follow(_key(request_id), after, LAST_EVENTS, over)


def last_event(request: GenerationRequest | None) -> tuple[str, dict[str, Any]]:
    """How a finished request ends its stream."""
    if request is not None and request.factoid_id is not None:
        return "factoid", {"factoid_id": str(request.factoid_id)}
    problem = problem_of(request)
    return "error", {"code": problem[0], "detail": problem[1]}


def problem_of(request: GenerationRequest | None) -> tuple[str, str]:
    """Why a request ended without a factoid: a code and words."""
    if request is None:
        return "gone", "This request is gone. Start a new one."
    if request.status == "cancelled":
        return "cancelled", "Cancelled. Nothing was published."
    if request.status == "succeeded":
        return "factoid_gone", "The factoid was written, but has been taken down since."
    return request.problem_code or "failed", request.problem_detail or "It did not work out."


def _key(request_id: UUID) -> str:
    return f"generation:{request_id}"
