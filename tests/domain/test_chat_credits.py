"""What was paid for the chat goes on where free messages end; nothing said costs nothing."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from decimal import Decimal

import pytest

from db.repositories.chats import ChatTurnRepository
from domain.errors import RateLimited
from domain.model_runs.lease import LeaseManager
from domain.spending.budget import BudgetLimits
from domain.spending.credits import MESSAGES
from tests.configuration import settings
from tests.credit_account import Account
from tests.fixtures.chat import ChatHarness, chat_harness_with

ONE_FREE = "1/60"


@pytest.fixture
async def talker(database, redis, standin, model) -> AsyncGenerator[ChatHarness]:
    """A visitor with one free message."""
    async with chat_harness_with(database, redis, standin, chat_limits=ONE_FREE) as one:
        yield one


@pytest.fixture
def account(database, talker) -> Account:
    return Account(database, talker.caller.id, product=MESSAGES)


async def test_a_credit_pays_when_the_free_messages_are_used_up(talker, account, standin):
    await account.buy(2)
    await standin.say("Free.", "Paid.")
    chat_id = await talker.begin()

    free = await talker.say(chat_id, "One?")
    paid = await talker.say(chat_id, "Two?")

    assert [one.credit_owner for one in (*free.turns, paid.turns[-1])] == [None, account.owner]
    assert paid.shown[-1].text == "Paid."
    assert await account.balance() == (1, 0, 1, 0)


async def test_without_credits_a_message_too_many_is_refused(talker, standin):
    await standin.say("Free.")
    chat_id = await talker.begin()
    await talker.say(chat_id, "One?")

    with pytest.raises(RateLimited, match="per minute"):
        await talker.send(chat_id, "Two?")


async def test_what_comes_to_nothing_costs_no_credit(talker, account, standin):
    await account.buy(1)
    await standin.say("Free.")
    chat_id = await talker.begin()
    await talker.say(chat_id, "One?")

    await standin.queue("401")
    failed = await talker.say(chat_id, "Two?")

    assert failed.turns[-1].status == "failed"
    assert await account.balance() == (1, 0, 0, 0)


async def test_a_message_stopped_while_it_waits_costs_no_credit(talker, account, standin):
    await account.buy(1)
    await standin.say("Free.")
    chat_id = await talker.begin()
    await talker.say(chat_id, "One?")

    await talker.send(chat_id, "Two?")
    assert await account.balance() == (0, 1, 0, 0)
    await talker.turns.stop(talker.caller, chat_id)

    assert await account.balance() == (1, 0, 0, 0)


async def test_a_message_stopped_before_a_model_was_asked_costs_no_credit(
    talker, account, standin, database
):
    await account.buy(1)
    await standin.say("Free.")
    chat_id = await talker.begin()
    await talker.say(chat_id, "One?")

    asked = await talker.send(chat_id, "Two?")
    lease = await LeaseManager(database.sessions, ChatTurnRepository).acquire(asked.turn.id)
    assert lease
    await talker.turns.stop(talker.caller, chat_id)
    await lease.release()
    await talker.service.run(asked.turn.id)

    assert (await talker.turn(asked.turn.id)).status == "stopped"
    assert await account.balance() == (1, 0, 0, 0)


async def test_of_many_at_once_as_many_are_paid_as_there_are_credits(talker, account):
    await account.buy(2)
    chats = [await talker.begin() for _ in range(8)]

    asked = await asyncio.gather(
        *(talker.send(chat_id, "Why?") for chat_id in chats), return_exceptions=True
    )

    begun = [one for one in asked if not isinstance(one, BaseException)]
    assert len(begun) == 3
    assert sum(one.turn.credit_owner is not None for one in begun) == 2
    assert await account.balance() == (0, 2, 0, 0)


async def test_a_credit_draws_on_its_own_pot(database, redis, standin, model):
    """Free messages have no money left, and that is no reason to refuse a paid one."""
    limits = replace(BudgetLimits.of(settings), visitors_usd=Decimal(0))
    async with chat_harness_with(database, redis, standin, limits=limits) as talker:
        account = Account(database, talker.caller.id, product=MESSAGES)
        await account.buy(1)
        await standin.say("Paid.")

        chat = await talker.say(await talker.begin(), "One?")

        assert chat.shown[-1].text == "Paid."
        assert await account.balance() == (0, 0, 1, 0)
