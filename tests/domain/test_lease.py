"""Who has a turn, and who no longer."""

import asyncio

import pytest
from sqlalchemy import text

from db.repositories.chats import ChatTurnRepository
from domain.model_runs.lease import LeaseLost, Leases


async def test_a_lease_taken_again_by_its_own_process_is_lost_to_the_first(chatting, database):
    asked = await chatting.send(await chatting.begin(), "One?")
    leases = Leases(database.sessions, ChatTurnRepository)
    first = await leases.take(asked.turn.id)
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE chat_turns SET lease_until = now() - interval '1 s'"))
    second = await leases.take(asked.turn.id)
    assert first
    assert second

    keeping = [asyncio.create_task(leases.keep(one)) for one in (first, second)]
    async with asyncio.timeout(30):
        with pytest.raises(LeaseLost):
            await keeping[0]
        await chatting.turns.stop(chatting.caller, asked.chat.session.id)
        # Told to stop, and not that it is lost.
        await keeping[1]
