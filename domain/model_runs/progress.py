"""The progress of a run as events, which any number of readers can follow."""

from collections.abc import AsyncGenerator
from typing import Any, Generic
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.model_runs import Run
from domain.model_runs.event_log import EventReader, EventWriter, LoggedEvent
from domain.model_runs.kind import RunKind


class ProgressWriter(Generic[Run]):
    """Writes the events of one run."""

    def __init__(self, events: EventWriter, kind: RunKind[Run, Any], run_id: UUID) -> None:
        self._events = events
        self._kind = kind
        self._run_id = run_id

    async def write(self, name: str, data: Any) -> None:
        await self._events.add(stream_key(self._kind, self._run_id), name, data)

    async def status(self, state: str, detail: str, **about: str) -> None:
        await self.write("status", {"state": state, "detail": detail} | about)

    async def finish(self, run: Run) -> None:
        """Write the event that ends the stream."""
        await self.write(*self._kind.last_event(self._run_id, run))


class ProgressReader(Generic[Run]):
    """Reads the events of the runs of one kind."""

    def __init__(
        self,
        redis: Redis,
        sessions: async_sessionmaker[AsyncSession],
        kind: RunKind[Run, Any],
    ) -> None:
        self._events = EventReader(redis)
        self._sessions = sessions
        self._kind = kind

    async def is_finished(self, run_id: UUID, after: str | None) -> bool:
        """Whether a reader who has seen event `after` has seen the last one."""
        if after == _end_id(run_id):
            return True
        key = stream_key(self._kind, run_id)
        return await self._events.is_last(key, after, self._kind.last_events)

    async def all(self, run_id: UUID) -> list[LoggedEvent]:
        """The events that are still there; none while Redis is unavailable."""
        return await self._events.all(stream_key(self._kind, run_id))

    def follow(self, run_id: UUID, after: str | None) -> AsyncGenerator[LoggedEvent | None]:
        """Every event after the one seen last, to the end; see `EventReader.follow`."""

        async def end() -> LoggedEvent | None:
            async with self._sessions() as session:
                run = await self._kind.repository(session).get(run_id)
            if run is not None and run.is_open:
                return None
            return LoggedEvent(_end_id(run_id), *self._kind.last_event(run_id, run))

        key = stream_key(self._kind, run_id)
        return self._events.follow(key, after, self._kind.last_events, end)


def stream_key(kind: RunKind[Any, Any], run_id: UUID) -> str:
    """The Redis key of a run's events."""
    return f"{kind.name}:{run_id}"


def _end_id(run_id: UUID) -> str:
    """The id of a last event that was made from the row in Postgres."""
    return f"end-{run_id}"
