"""Who holds the lease of a turn, and who no longer does."""

import asyncio

import pytest
from sqlalchemy import text

from db.repositories.chats import ChatTurnRepository
from domain.model_runs.lease import LeaseLost, LeaseManager


async def test_a_lease_taken_again_by_its_own_process_is_lost_to_the_first(chat_harness, database):
    asked = await chat_harness.send(await chat_harness.begin(), "One?")
    leases = LeaseManager(database.sessions, ChatTurnRepository)
    first = await leases.acquire(asked.turn.id)
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE chat_turns SET lease_until = now() - interval '1 s'"))
    second = await leases.acquire(asked.turn.id)
    assert first
    assert second

    renewals = [
        asyncio.create_task(leases.renew_until_cancelled(lease)) for lease in (first, second)
    ]
    async with asyncio.timeout(30):
        with pytest.raises(LeaseLost):
            await renewals[0]
        await chat_harness.turns.stop(chat_harness.caller, asked.chat.session.id)
        # Told to stop, and not that it is lost.
        await renewals[1]
