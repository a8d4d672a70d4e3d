"""Noticing a turn that another tab or a program began in the same chat."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from httpx_sse import ServerSentEvent

from api.schemas.chat_events import TurnBegunOut
from web.client.api import read_event
from web.client.chats import ChatsClient
from web.client.stream import follow

WATCH_INTERVAL_S = 5.0
"""The interval of checking whether the page is still open."""


async def wait_for_other_turn(
    api: ChatsClient, chat_id: UUID, turn_id: UUID | None, is_watched: Callable[[], Awaitable[bool]]
) -> bool:
    """Wait until the latest turn is another one; False when the chat is no longer watched."""
    if not await is_watched():
        return False
    following = follow(
        lambda _: api.follow_turns(chat_id),
        to_update,
        name=f"the turns of the chat {chat_id}",
        idle_s=WATCH_INTERVAL_S,
        repeat_idle=True,
        delays_s=(WATCH_INTERVAL_S,),
        give_up=False,
    )
    async with aclosing(following) as updates:
        async for update in updates:
            if not await is_watched():
                return False
            if isinstance(update, TurnBegunOut) and update.turn_id != turn_id:
                return True
    return False


def to_update(event: ServerSentEvent) -> TurnBegunOut | None:
    """The turn in an event; None for events that only keep the stream open."""
    return read_event(event, TurnBegunOut) if event.data else None
