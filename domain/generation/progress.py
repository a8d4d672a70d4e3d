"""The progress of a generation as a Redis stream, which any number of readers can follow.

Redis only carries it: what is true stands in Postgres, and a reader who finds the stream gone
is told from there.
"""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import GenerationRequest
from db.repositories.generations import OPEN, GenerationRepository

KEEP_S = 600
EVENTS_AT_MOST = 5_000
LOOK_EVERY_S = 1.0
"""How often a reader looks at Postgres while the stream is silent."""

END = "end"
"""The id of a last event that was told from Postgres."""

_STREAM_ID = re.compile(r"^\d{1,20}-\d{1,20}$")
LAST_EVENTS = {"factoid", "error"}

log = structlog.get_logger()


@dataclass(frozen=True)
class ProgressEvent:
    id: str
    name: str
    """status, token, factoid or error; the last two end it."""
    data: dict[str, Any]


class ProgressWriter:
    """Where the worker tells how far it is. Redis being away does not stop the work."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def status(self, request_id: UUID, state: str, detail: str) -> None:
        await self._add(request_id, "status", {"state": state, "detail": detail})

    async def token(self, request_id: UUID, text: str) -> None:
        await self._add(request_id, "token", {"text": text})

    async def ended(self, request: GenerationRequest) -> None:
        name, data = last_event(request)
        await self._add(request.id, name, data)

    async def _add(self, request_id: UUID, name: str, data: dict[str, Any]) -> None:
        key = _key(request_id)
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                pipe.xadd(
                    key,
                    {"name": name, "data": msgspec.json.encode(data)},
                    maxlen=EVENTS_AT_MOST,
                    approximate=True,
                )
                pipe.expire(key, KEEP_S)
                await pipe.execute()
        except RedisError as error:
            log.warning("progress_not_told", error=type(error).__name__)


class ProgressReader:
    def __init__(self, redis: Redis, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._redis = redis
        self._sessions = sessions

    async def is_over(self, request_id: UUID, after: str | None) -> bool:
        """Whether a reader who has seen event `after` has seen the last one."""
        if after == END:
            return True
        if after is None or not _STREAM_ID.match(after):
            return False
        try:
            newest = await self._redis.xrevrange(_key(request_id), count=1)
        except RedisError:
            return False
        return bool(newest) and newest[0][0].decode() == after and _name(newest[0]) in LAST_EVENTS

    async def follow(
        self, request_id: UUID, after: str | None
    ) -> AsyncGenerator[ProgressEvent | None]:
        """Every event after the one seen last, to the end; None when all is quiet for a second.

        An id that was never given out counts as none: everything is told from the start.
        """
        seen = after if after and _STREAM_ID.match(after) else "0-0"
        while True:
            # The row is read before the stream: an end written in between is then seen in both.
            request = await self._request(request_id)
            events = await self._read(request_id, seen)
            for event in events:
                yield event
                seen = event.id
                if event.name in LAST_EVENTS:
                    return
            if events:
                continue
            if request is None or request.status not in OPEN:
                name, data = last_event(request)
                yield ProgressEvent(END, name, data)
                return
            yield None

    async def _read(self, request_id: UUID, seen: str) -> list[ProgressEvent]:
        try:
            found = await self._redis.xread(
                {_key(request_id): seen}, block=int(LOOK_EVERY_S * 1_000)
            )
        except RedisError:
            await asyncio.sleep(LOOK_EVERY_S)
            return []
        return [
            ProgressEvent(entry[0].decode(), _name(entry), msgspec.json.decode(entry[1][b"data"]))
            for _, entries in found
            for entry in entries
        ]

    async def _request(self, request_id: UUID) -> GenerationRequest | None:
        async with self._sessions() as session:
            return await GenerationRepository(session).get(request_id)


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


def _name(entry: Any) -> str:
    return entry[1][b"name"].decode()
