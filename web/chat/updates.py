"""Hearing of what is asked in the same chat in another tab, or by a program."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

import msgspec

from api.schemas.chats import TurnBegunOut
from web.client.api import ApiProblem, read
from web.client.chats import ChatsClient
from web.ui.draft import with_pauses

WATCHED_EVERY_S = 5.0
"""How often it is looked whether anybody still watches."""


log = logging.getLogger(__name__)


async def asked_elsewhere(
    api: ChatsClient, chat_id: UUID, turn_id: UUID | None, is_watched: Callable[[], Awaitable[bool]]
) -> bool:
    """Wait until the chat has another last turn than this one; False when nobody watches."""
    while await is_watched():
        turns = with_pauses(api.follow_turns(chat_id), WATCHED_EVERY_S, each=True)
        try:
            async with aclosing(turns) as events:
                async for event in events:
                    if not await is_watched():
                        return False
                    if event and event.data and read(event, TurnBegunOut).turn_id != turn_id:
                        return True
        except (ApiProblem, msgspec.MsgspecError) as lost:
            log.info("Nothing is heard of the chat %s: %s", chat_id, lost)
        await asyncio.sleep(WATCHED_EVERY_S)
    return False
