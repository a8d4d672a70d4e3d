"""Server-sent events as bytes, with a heartbeat, which Litestar's `ServerSentEvent` lacks."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

from litestar.params import HeaderParameter
from litestar.response import Stream

from api.fast_json import encode

MEDIA_TYPE = "text/event-stream"
PING_EVERY_S = 15
PING = b": ping\n\n"
OPENING = b"retry: 2000\n\n"
"""Makes a browser reconnect two seconds after it loses the connection."""
TIMER_SLACK_S = 0.1
"""Tolerance for a timeout that fires early."""

HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}

T = TypeVar("T")

LastEventId = Annotated[
    str | None,
    HeaderParameter(name="Last-Event-ID", description="Go on after this event; set by browsers."),
]


def event(name: str, data: Any, event_id: str | None = None) -> bytes:
    """One event with its data as a single line of JSON."""
    id_line = f"id: {event_id}\n" if event_id else ""
    return f"{id_line}event: {name}\ndata: ".encode() + encode(data) + b"\n\n"


def stream(events: AsyncGenerator[bytes | None]) -> Stream:
    """A response with these events. At a `None` no event is sent, but a ping if one is due."""
    return Stream(with_heartbeat(events), media_type=MEDIA_TYPE, headers=HEADERS)


async def with_heartbeat(events: AsyncGenerator[bytes | None]) -> AsyncGenerator[bytes]:
    """The events, and a ping after 15 s without one."""
    yield OPENING
    loop = asyncio.get_running_loop()
    sent_at_s = loop.time()
    async with aclosing(events):
        async for sent in events:
            if sent is None:
                if loop.time() - sent_at_s < PING_EVERY_S - TIMER_SLACK_S:
                    continue
                sent = PING
            yield sent
            sent_at_s = loop.time()


async def items_of(queue: asyncio.Queue[T]) -> AsyncGenerator[T | None]:
    """The items of a queue, endlessly; None after each 15 s without one."""
    while True:
        try:
            async with asyncio.timeout(PING_EVERY_S):
                item = await queue.get()
        except TimeoutError:
            yield None
        else:
            yield item
