"""What changes, told at once: new factoids and changed tallies to everybody, and the turns of a
chat to those who have it open.

Told after the fact and kept nowhere; a page that misses something sees it at its next load.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

CHANNEL = "live"
WAITING_AT_MOST = 1_000
"""A listener that lets more than this pile up loses the oldest."""

HEARD_EVERY_S = 3.0
"""Shorter than the client's patience with a silent server."""

log = structlog.get_logger()


class FactoidPublished(msgspec.Struct, tag="factoid", frozen=True):
    factoid_id: UUID


class TallyChanged(msgspec.Struct, tag="tally", frozen=True):
    factoid_id: UUID
    votes_up: int
    votes_down: int


class TurnBegun(msgspec.Struct, tag="turn", frozen=True):
    chat_id: UUID
    turn_id: UUID


LiveEvent = FactoidPublished | TallyChanged | TurnBegun


async def tell(redis: Redis, event: LiveEvent) -> None:
    """Tell every process. Redis being away only makes pages less lively."""
    try:
        await redis.publish(CHANNEL, msgspec.json.encode(event))
    except RedisError as error:
        log.warning("live_event_not_told", error=type(error).__name__)


class LiveHub:
    """One subscription per process, handed on to all who listen in it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._listeners = defaultdict[UUID | None, set[asyncio.Queue[LiveEvent]]](set)
        """By the chat they listen to; None for what is for everybody."""
        self._pump: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._pump = asyncio.create_task(self._run(), name="live")

    async def close(self) -> None:
        # The Redis client may swallow a cancellation while it connects: asked until it is heard.
        while self._pump and not self._pump.done():
            self._pump.cancel()
            await asyncio.wait({self._pump}, timeout=0.1)

    @asynccontextmanager
    async def listen(self, chat_id: UUID | None = None) -> AsyncGenerator[asyncio.Queue[LiveEvent]]:
        """What happens from now on: in this chat alone, or to everybody."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue(WAITING_AT_MOST)
        self._listeners[chat_id].add(queue)
        try:
            yield queue
        finally:
            self._listeners[chat_id].discard(queue)
            if not self._listeners[chat_id]:
                del self._listeners[chat_id]

    async def _run(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(CHANNEL)
                    while True:
                        message = await subscription.get_message(timeout=HEARD_EVERY_S)
                        if message and message["data"]:
                            self._hand_on(msgspec.json.decode(message["data"], type=LiveEvent))
            except (RedisError, OSError, msgspec.DecodeError) as error:
                log.warning("live_subscription_lost", error=type(error).__name__)
                await asyncio.sleep(1)

    def _hand_on(self, event: LiveEvent) -> None:
        chat_id = event.chat_id if isinstance(event, TurnBegun) else None
        for queue in self._listeners.get(chat_id, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
