"""What happens while something is being written, as a Redis stream any number of readers follow.

Redis only carries it: what is true stands in Postgres, and a reader who finds the stream gone
is told from there.
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
LOOK_EVERY_S = 1.0
"""How often a reader looks at Postgres while the stream is silent."""

_ADD = """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'name', ARGV[3], 'data', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[2])
"""
"""One step, and the same for all: the pieces of many answers travel together."""

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
    """Where the worker tells how far it is. Redis being away does not stop the work."""

    def __init__(self, redis: Redis) -> None:
        self._add = BatchedScript(redis, _ADD)

    async def add(self, key: str, name: str, data: Any) -> None:
        try:
            await self._add.run([key], [EVENTS_AT_MOST, KEEP_S, name, msgspec.json.encode(data)])
        except RedisError as error:
            log.warning("progress_not_told", error=type(error).__name__)


class EventReader:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def is_last(self, key: str, event_id: str | None, last: Collection[str]) -> bool:
        """Whether an event is the newest, and one of those named `last`, after which none comes."""
        if event_id is None or not _STREAM_ID.match(event_id):
            return False
        try:
            newest = await self._redis.xrevrange(key, count=1)
        except RedisError:
            return False
        return bool(newest) and newest[0][0].decode() == event_id and _name(newest[0]) in last

    async def all(self, key: str) -> list[LoggedEvent]:
        """What the stream still holds; nothing while Redis is away."""
        return await self._read(key, FIRST, wait=False)

    async def follow(
        self,
        key: str,
        after: str | None,
        last: Collection[str],
        over: Callable[[], Awaitable[LoggedEvent | None]],
    ) -> AsyncGenerator[LoggedEvent | None]:
        """Every event after the one seen last, to one of those named `last`; None when all is
        quiet for a second.

        `over` tells from Postgres how it ended, or None while it has not. An id that was never
        given out counts as none: everything is told from the start.
        """
        seen = after if after and _STREAM_ID.match(after) else FIRST
        silent = True
        while True:
            # Where events come there is no end yet. The row is read before the stream: an end
            # written in between is then seen in both.
            ended = await over() if silent else None
            events = await self._read(key, seen, wait=ended is None)
            for event in events:
                yield event
                seen = event.id
                if event.name in last:
                    return
            silent = not events
            if silent and ended:
                yield ended
                return
            if silent:
                yield None

    async def _read(self, key: str, seen: str, *, wait: bool) -> list[LoggedEvent]:
        block = int(LOOK_EVERY_S * 1_000) if wait else None
        try:
            found = await self._redis.xread({key: seen}, block=block)
        except RedisError:
            await asyncio.sleep(LOOK_EVERY_S)
            return []
        return [
            LoggedEvent(entry[0].decode(), _name(entry), msgspec.json.decode(entry[1][b"data"]))
            for _, entries in found
            for entry in entries
        ]


def _name(entry: Any) -> str:
    return entry[1][b"name"].decode()
