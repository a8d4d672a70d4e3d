"""Branches of a talk: each is answered with what was said on it, and all of them stay."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text

from domain.chat.history import HistoryMessage
from domain.chat.sessions import ChatNotFound
from domain.chat.turns import (
    ChatUsedUp,
    NotContinuable,
    NothingUnderWay,
    TurnUnderWay,
)
from domain.orphaned_holds import release_orphans
from tests.fixtures.chat import anew, visitor
from tests.fixtures.generation import (
    PATIENTLY,
    bill,
    books,
    closed,
    completions,
    waiting_for_table,
)
from tests.processes import until


def heard(call):
    """What a model was told of a talk."""
    return [HistoryMessage(one["role"], one["content"]) for one in call["body"]["messages"][1:]]


async def test_each_branch_is_answered_with_what_was_said_on_it(chat_harness, standin):
    chat_id = await chat_harness.begin()
    await standin.say("First answer.", "Second answer.", "Otherwise.", "Once more.", "Later.")
    await chat_harness.say(chat_id, "One?")
    chat = await chat_harness.say(chat_id, "Two?")
    second_question = chat.shown[2]

    edited = await chat_harness.say(chat_id, "Two, otherwise?", edit_of=second_question.id)
    asked = await chat_harness.turns.regenerate(
        chat_harness.caller, chat_id, edited.shown[-1].id, anew()
    )
    anew_answered = await chat_harness.finish(asked)
    back = await chat_harness.chats.change(
        chat_harness.caller, chat_id, branch_of=second_question.id
    )
    assert [one.text for one in back.shown] == ["One?", "First answer.", "Two?", "Second answer."]
    await chat_harness.say(chat_id, "Three?")

    told = [heard(one) for one in completions(await standin.log())]
    beginning = [HistoryMessage("user", "One?"), HistoryMessage("assistant", "First answer.")]
    assert told[2] == [*beginning, HistoryMessage("user", "Two, otherwise?")]
    assert told[3] == told[2]
    assert told[4] == [
        *beginning,
        *(
            HistoryMessage("user", "Two?"),
            HistoryMessage("assistant", "Second answer."),
            HistoryMessage("user", "Three?"),
        ),
    ]
    assert [one.text for one in anew_answered.shown][-2:] == ["Two, otherwise?", "Once more."]
    assert len(anew_answered.messages) == 7


async def test_of_two_messages_at_once_one_is_answered(chat_harness, standin):
    chat_id = await chat_harness.begin()

    both = await asyncio.gather(
        *(chat_harness.send(chat_id, f"Number {number}?") for number in range(5)),
        return_exceptions=True,
    )

    refused = [one for one in both if isinstance(one, TurnUnderWay)]
    (asked,) = [one for one in both if not isinstance(one, BaseException)]
    assert len(refused) == 4
    chat = await chat_harness.finish(asked)
    assert len(chat.messages) == 2
    assert await books(chat_harness.database) == closed(bill(await standin.log()))


async def test_an_answer_that_failed_is_not_counted_and_can_be_gone_on_with(
    chat_harness, standin, redis
):
    chat_id = await chat_harness.begin()
    await standin.queue("401")

    failed = await chat_harness.say(chat_id, "One?")

    turn = failed.turns[-1]
    assert (turn.status, turn.problem_code) == ("failed", "model_key_refused")
    assert turn.allowance_returned
    assert await books(chat_harness.database) == closed(turn.cost_usd)
    assert turn.cost_usd == 0
    await standin.say("Here I am.")
    asked = await chat_harness.turns.continue_answer(
        chat_harness.caller, chat_id, failed.shown[-1].id, anew()
    )
    chat = await chat_harness.finish(asked)
    assert [one.text for one in chat.shown] == ["One?", "Here I am."]
    with pytest.raises(NotContinuable):
        await chat_harness.turns.continue_answer(
            chat_harness.caller, chat_id, chat.shown[-1].id, anew()
        )


async def test_a_broken_off_answer_stays_and_its_bill_is_settled(chat_harness, standin):
    chat = await chat_harness.say(await chat_harness.begin(), "[[scenario:cut:4]] bees?")

    answer, turn = chat.shown[-1], chat.turns[-1]
    assert (answer.status, turn.problem_code) == ("failed", "answer_broken")
    assert answer.text
    assert (turn.cost_usd, turn.cost_source) == (bill(await standin.log()), "generation")
    assert await books(chat_harness.database) == closed(turn.cost_usd)


async def test_a_busy_model_is_asked_again_and_not_paid_for_twice(chat_harness, standin):
    await standin.queue("429")
    await standin.say("Here I am.")

    chat = await chat_harness.say(await chat_harness.begin(), "One?")

    assert chat.shown[-1].text == "Here I am."
    assert [one.state for one in await chat_harness.calls(chat.turns[-1].id)] == [
        "unbilled",
        "settled",
    ]
    assert await books(chat_harness.database) == closed(bill(await standin.log()))


@pytest.mark.parametrize(
    "scenario", ["usage-missing", "cost-null", "generation-404-3", "generation-never"]
)
async def test_a_cost_that_is_not_said_is_found_out(chat_harness, standin, scenario):
    chat = await chat_harness.say(await chat_harness.begin(), f"[[scenario:{scenario}]] bees?")

    turn = chat.turns[-1]
    known = bill(await standin.log())
    expected = turn.quote_usd if scenario == "generation-never" else known
    assert turn.cost_usd == expected
    assert chat.session.cost_usd == expected
    assert await books(chat_harness.database) == closed(expected)


async def test_a_chat_that_has_become_too_long_is_ended_before_it_costs(
    chat_harness, standin, database
):
    chat_id = await chat_harness.begin()
    await chat_harness.say(chat_id, "One?")
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE chat_calls SET prompt_tokens = 300000"))

    with pytest.raises(ChatUsedUp) as refused:
        await chat_harness.send(chat_id, "Two?")

    quote = await chat_harness.quotes.quote(chat_harness.caller, chat_id)
    assert (quote.tokens_left, quote.reason) == (0, refused.value.detail)


async def test_money_held_for_a_turn_whose_job_was_lost_is_seen_to(chat_harness, standin, database):
    asked = await chat_harness.send(await chat_harness.begin(), "One?")
    async with database.sessions.begin() as session:
        await session.execute(text("DELETE FROM outbox"))
        await session.execute(
            text("UPDATE budget_reservations SET created_at = now() - interval '1 hour'")
        )

    assert await release_orphans(database.sessions) == 1

    async with database.sessions() as session:
        rows = (await session.execute(text("SELECT job, arguments->>'turn_id' FROM outbox"))).all()
    assert [tuple(row) for row in rows] == [("run_chat_turn", str(asked.turn.id))]
    assert (await chat_harness.finish(asked)).turns[-1].status == "done"


async def test_a_chat_deleted_while_it_is_answered_stops_and_is_settled(
    chat_harness, standin, database
):
    asked = await chat_harness.send(await chat_harness.begin(), "[[scenario:gated:4]] bees?")
    running = asyncio.create_task(chat_harness.service.run(asked.turn.id))
    await standin.wait_at_gate()

    await chat_harness.chats.delete(chat_harness.caller, asked.chat.session.id)
    await running

    assert (await chat_harness.turn(asked.turn.id)).status == "stopped"
    await standin.wait_idle()
    await chat_harness.settle(asked.turn.id)
    assert await books(database) == closed(bill(await standin.log()))
    other = await chat_harness.begin()
    with pytest.raises(NothingUnderWay):
        await chat_harness.turns.stop(chat_harness.caller, other)


async def test_a_message_sent_while_its_chat_is_deleted_leaves_no_words(chat_harness, database):
    chat_id = await chat_harness.begin()
    async with database.sessions.begin() as session:
        await session.execute(text(PATIENTLY))
        await session.execute(text("LOCK TABLE chat_turns IN SHARE MODE"))
        sending = asyncio.create_task(chat_harness.send(chat_id, "Private words"))
        await until(lambda: waiting_for_table(database, "chat_turns"), "the message to be written")
        await chat_harness.chats.delete(chat_harness.caller, chat_id)

    with pytest.raises(ChatNotFound):
        await sending

    async with database.sessions() as session:
        titles = (await session.scalars(text("SELECT title FROM chat_sessions"))).all()
        left = text("SELECT (SELECT count(*) FROM chat_messages) + (SELECT count(*) FROM outbox)")
        assert (titles, await session.scalar(left)) == ([""], 0)
    assert await books(database) == closed(Decimal(0))


async def test_what_others_say_is_not_theirs_to_stop(chat_harness):
    asked = await chat_harness.send(await chat_harness.begin(), "One?")

    with pytest.raises(ChatNotFound):
        await chat_harness.turns.stop(visitor(), asked.chat.session.id)
