"""Live updates over Redis pub/sub: new factoids and changed tallies for everybody, and new turns
for the pages that show their chat.

Events are published after the commit and are not stored. A page that misses one is up to date again
at its next load.
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
QUEUE_SIZE = 1_000
"""Events queued for a listener; beyond it the oldest are dropped."""

READ_TIMEOUT_S = 3.0
"""Shorter than the client's socket timeout, which would end a subscription without events."""

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


async def publish(redis: Redis, event: LiveEvent) -> None:
    """Publish to the hubs of all processes. While Redis is away, the event is lost."""
    try:
        await redis.publish(CHANNEL, msgspec.json.encode(event))
    except RedisError as error:
        log.warning("live_event_not_published", error=type(error).__name__)


class LiveHub:
    """The one subscription of a process, whose events are passed to all its listeners."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._listeners = defaultdict[UUID | None, set[asyncio.Queue[LiveEvent]]](set)
        """By the chat they listen to; None for the events that concern no chat."""
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._task = asyncio.create_task(self._run(), name="live")

    async def close(self) -> None:
        # The Redis client may swallow a cancellation while it connects, so it is repeated.
        while self._task and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=0.1)

    @asynccontextmanager
    async def listen(self, chat_id: UUID | None = None) -> AsyncGenerator[asyncio.Queue[LiveEvent]]:
        """A queue of the events from now on: those of this chat, or those that concern no chat."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue(QUEUE_SIZE)
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
                        message = await subscription.get_message(timeout=READ_TIMEOUT_S)
                        if message and message["data"]:
                            self._dispatch(msgspec.json.decode(message["data"], type=LiveEvent))
            except (RedisError, OSError, msgspec.DecodeError) as error:
                log.warning("live_subscription_lost", error=type(error).__name__)
                await asyncio.sleep(1)

    def _dispatch(self, event: LiveEvent) -> None:
        chat_id = event.chat_id if isinstance(event, TurnBegun) else None
        for queue in self._listeners.get(chat_id, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)
