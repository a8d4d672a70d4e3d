"""What happens in a chat's turn, which any number of readers can follow."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.chats import ChatTurnRepository
from db.repositories.leases import OPEN
from domain.model_runs.event_log import EventReader, EventWriter, LoggedEvent

LAST_EVENTS = {"message", "error"}


class TurnProgress:
    """Where the worker tells what happens."""

    def __init__(self, events: EventWriter, turn_id: UUID) -> None:
        self._events = events
        self._key = key_of(turn_id)

    async def tell(self, name: str, data: Any) -> None:
        await self._events.add(self._key, name, data)


class TurnReader:
    def __init__(self, redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._events = EventReader(redis)
        self._sessions = sessions

    async def is_over(self, turn_id: UUID, after: str | None) -> bool:
        """Whether a reader who has seen event `after` has seen the turn's last one."""
        if after == end_of(turn_id):
            return True
        return await self._events.is_last(key_of(turn_id), after, LAST_EVENTS)

    async def told(self, turn_id: UUID, kept: str) -> str:
        """The answer as its readers know it, of which a bit less may be kept."""
        text = kept
        for event in await self._events.all(key_of(turn_id)):
            if event.name == "token" and event.data["at"] <= len(text):
                text = text[: event.data["at"]] + event.data["text"]
        return max(text, kept, key=len)

    def follow(self, turn_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent | None]:
        """Every event after the one seen last, to the end; see `EventReader.follow`.

        The last one names the answer, which whoever follows reads from Postgres.
        """

        async def over() -> LoggedEvent | None:
            async with self._sessions() as session:
                turn = await ChatTurnRepository(session).get(turn_id)
            if turn is not None and turn.status in OPEN:
                return None
            return LoggedEvent(end_of(turn_id), *last_event(turn_id, turn and turn.status))

        return self._events.follow(key_of(turn_id), after, LAST_EVENTS, over)


def last_event(turn_id: UUID, status: str | None) -> tuple[str, dict[str, Any]]:
    """How a finished turn ends its stream."""
    failed = status is None or status == "failed"
    return "error" if failed else "message", {"turn_id": str(turn_id)}


def key_of(turn_id: UUID) -> str:
    return f"chat:{turn_id}"


def end_of(turn_id: UUID) -> str:
    """The id of a last event that was told from Postgres."""
    return f"end-{turn_id}"
