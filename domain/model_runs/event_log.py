"""A log of events in a Redis stream, which any number of readers follow from any event on.

The log is temporary and may be lost: the result is in Postgres, and a reader who finds no stream
gets its last event from there.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from domain.infra.redis_batch import BatchedScript

KEEP_S = 600
EVENTS_AT_MOST = 5_000
POLL_EVERY_S = 1.0
"""How often a reader queries Postgres while the stream is silent."""

_ADD = """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'name', ARGV[3], 'data', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
"""One script for all streams, so that events of many answers are sent in one batch."""

FIRST = "0-0"
"""Before every event."""

_STREAM_ID = re.compile(r"^\d{1,20}-\d{1,20}$")

log = structlog.get_logger()


@dataclass(frozen=True)
class LoggedEvent:
    id: str
    name: str
    data: dict[str, Any]


class EventWriter:
    """Appends events. While Redis is unavailable they are dropped, and the work goes on."""

    def __init__(self, redis: Redis) -> None:
        self._add = BatchedScript(redis, _ADD)

    async def add(self, key: str, name: str, data: Any) -> None:
        try:
            await self._add.run([key], [EVENTS_AT_MOST, KEEP_S, name, msgspec.json.encode(data)])
        except RedisError as error:
            log.warning("event_not_written", error=type(error).__name__)


class EventReader:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def is_last(self, key: str, event_id: str | None, last: Collection[str]) -> bool:
        """Whether an event is the newest, and named in `last`: the names that end a stream."""
        if event_id is None or not _STREAM_ID.match(event_id):
            return False
        try:
            newest = await self._redis.xrevrange(key, count=1)
        except RedisError:
            return False
        return bool(newest) and newest[0][0].decode() == event_id and _name(newest[0]) in last

    async def all(self, key: str) -> list[LoggedEvent]:
        """The events that the stream still holds; none while Redis is unavailable."""
        return await self._read(key, FIRST, wait=False)

    async def follow(
        self,
        key: str,
        after: str | None,
        last: Collection[str],
        find_end: Callable[[], Awaitable[LoggedEvent | None]],
    ) -> AsyncGenerator[LoggedEvent | None]:
        """Every event after a given one, until one named in `last`; None after each second
        without an event.

        `find_end` makes the last event from Postgres, or returns None while the work goes on. An
        id that is none of a stream counts as none given: all events follow.
        """
        seen = after if after and _STREAM_ID.match(after) else FIRST
        silent = True
        while True:
            # While events arrive, there is no end yet. The row is read before the stream, so that
            # an end that is written in between is seen in both.
            end = await find_end() if silent else None
            events = await self._read(key, seen, wait=end is None)
            for event in events:
                yield event
                seen = event.id
                if event.name in last:
                    return
            silent = not events
            if silent and end:
                yield end
                return
            if silent:
                yield None

    async def _read(self, key: str, seen: str, *, wait: bool) -> list[LoggedEvent]:
        block = int(POLL_EVERY_S * 1_000) if wait else None
        try:
            found = await self._redis.xread({key: seen}, block=block)
        except RedisError:
            await asyncio.sleep(POLL_EVERY_S)
            return []
        return [
            LoggedEvent(entry[0].decode(), _name(entry), msgspec.json.decode(entry[1][b"data"]))
            for _, entries in found
            for entry in entries
        ]


def _name(entry: Any) -> str:
    return entry[1][b"name"].decode()
