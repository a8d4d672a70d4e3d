"""Following a stream of events through idle periods and lost connections."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from enum import Enum
from typing import TypeVar

import msgspec
from httpx_sse import ServerSentEvent

from web.client.api import ApiProblem

RETRY_DELAYS_S = (0.3, 1.0, 2.0, 4.0)
"""How long to wait before joining a lost stream again; the last value repeats."""

T = TypeVar("T")

log = logging.getLogger(__name__)


async def idle_ticks(
    events: AsyncGenerator[T], after_s: float, *, repeat: bool = False
) -> AsyncGenerator[T | None]:
    """The events, and None when no further one has come for `after_s`: once, or with `repeat`
    every `after_s`.

    At None a caller shows buffered text and checks whether the page is still open.
    """
    next_event = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({next_event}, timeout=after_s)
            if not done:
                yield None
                if repeat:
                    continue
                await asyncio.wait({next_event})
            try:
                event = next_event.result()
            except StopAsyncIteration:
                return
            next_event = asyncio.ensure_future(anext(events))
            yield event
    finally:
        next_event.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
            await next_event
        await events.aclose()


class Pause(Enum):
    """What `follow` yields between events."""

    IDLE = "idle"
    """No event came for a while."""
    DISCONNECTED = "disconnected"
    """The stream ended or was lost; it is joined again after a delay."""


async def follow(
    connect: Callable[[str], AsyncGenerator[ServerSentEvent]],
    decode: Callable[[ServerSentEvent], T],
    *,
    name: str,
    idle_s: float,
    repeat_idle: bool = False,
    delays_s: Sequence[float] = RETRY_DELAYS_S,
    give_up: bool = True,
) -> AsyncGenerator[T | Pause]:
    """The decoded events of a stream, which is joined again whenever it ends or is lost.

    `connect` opens the stream after the event with the given id. With `give_up` this ends after one
    attempt more than there are delays, counted since the last event with data. `name` is for logs.
    """
    attempt, last_id = 0, ""
    while True:
        try:
            ticking = idle_ticks(connect(last_id), idle_s, repeat=repeat_idle)
            async with aclosing(ticking) as events:
                async for event in events:
                    if event is None:
                        yield Pause.IDLE
                        continue
                    last_id = event.id or last_id
                    attempt = 0 if event.data else attempt
                    yield decode(event)
        except (ApiProblem, msgspec.MsgspecError) as error:
            log.info("The stream of %s was lost: %s", name, error)
        yield Pause.DISCONNECTED
        if give_up and attempt >= len(delays_s):
            return
        await asyncio.sleep(delays_s[min(attempt, len(delays_s) - 1)])
        attempt += 1
