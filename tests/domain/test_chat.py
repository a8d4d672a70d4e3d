"""A talk with the agent from the first message to the settled bill."""

import asyncio

import pytest
from sqlalchemy import text as sql

from domain.text import clean_lines
from tests.fixtures.generation import bill, books, closed, completions, waiting_for_table
from tests.processes import until


async def test_a_question_is_looked_up_and_answered_with_numbered_sources(
    chat_harness, standin, make
):
    factoid = await make.factoid("Octopuses have three hearts.", subject="Octopus hearts")
    await standin.call(("search_factoids", {"query": "octopus"}))
    await standin.say("They have **three** [1].\n\n- two for the gills")

    chat = await chat_harness.say(await chat_harness.begin(), "How many hearts has an octopus?")

    question, answer = chat.shown
    assert (question.text, question.role) == ("How many hearts has an octopus?", "user")
    assert (answer.text, answer.status) == (
        "They have **three** [1].\n\n- two for the gills",
        "done",
    )
    (source,) = answer.sources
    assert source == {
        "number": 1,
        "kind": "factoid",
        "title": "Octopus hearts",
        "url": f"http://factoids.test/f/{factoid.id}",
        "factoid_id": str(factoid.id),
    }
    (used,) = answer.tools
    assert (used["name"], used["ok"], used["sources"]) == ("search_factoids", True, [1])
    log = await standin.log()
    first, second = completions(log)
    assert [one["function"]["name"] for one in first["body"]["tools"]] == [
        "search_factoids",
        "get_factoid",
        "related_factoids",
    ]
    assert [one["role"] for one in second["body"]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    turn = chat.last_turn
    assert (turn.status, turn.cost_usd) == ("done", bill(log))
    assert chat.session.cost_usd == bill(log)
    assert await books(chat_harness.database) == closed(bill(log))


async def test_those_who_follow_are_told_each_piece_and_where_it_belongs(
    chat_harness, standin, make
):
    await make.factoid("Octopuses have three hearts.", subject="Octopus hearts")
    await standin.call(("search_factoids", {"query": "octopus"}), said="Let me look.")
    await standin.say("Three of them [1].")

    asked = await chat_harness.send(await chat_harness.begin(), "How many hearts?")
    chat = await chat_harness.finish(asked)

    events = await chat_harness.told(asked.turn.id)
    text = ""
    for name, data in events:
        if name == "token":
            text = text[: data["at"]] + data["text"]
    assert text == chat.shown[-1].text == "Let me look.\n\nThree of them [1]."
    names = [name for name, _ in events]
    assert names[-1] == "message"
    assert names.index("tool_call") < names.index("tool_result")
    usage = [data for name, data in events if name == "usage"]
    assert [one["turn"]["calls"] for one in usage] == [1, 2]
    assert usage[-1]["turn"]["cost_usd"] == str(chat.last_turn.cost_usd)


@pytest.mark.parametrize("table", ["chat_messages", "chat_turns", "chat_calls"])
async def test_who_sees_that_an_answer_has_ended_sees_all_of_it(chat_harness, database, table):
    asked = await chat_harness.send(await chat_harness.begin(), "How many hearts?")
    async with database.engine.begin() as worker:
        await worker.execute(sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        reading = asyncio.create_task(chat_harness.chat(asked))
        await until(lambda: waiting_for_table(database, table), "the reader to wait")
        await worker.execute(sql("UPDATE chat_messages SET status = 'done'"))
        await worker.execute(sql("UPDATE chat_turns SET status = 'done', finished_at = now()"))

    chat = await reading
    assert chat.answering or {one.status for one in chat.messages} == {"done"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "abcde\u0301s, abcdi\u0308ve, abcd\u1112\u1161\u11ab.", id="letters that come apart"
        ),
        pytest.param(
            "abc👩\u200d🚀 and 👨\u200d👩\u200d👧\u200d👦 and 🏳\ufe0f\u200d🌈!", id="joined emoji"
        ),
        pytest.param("\u202eevil\u202c a\u200bb \u2066c\u2069 d\u0007", id="what nobody sees"),
        pytest.param("Code:\n\n```\nif x:\n    go()\n```\n\n- one\n  - two", id="indented lines"),
        pytest.param(
            "🏴" + "".join(chr(0xE0000 + ord(c)) for c in "gbsct") + "\U000e007f ok", id="a flag"
        ),
    ],
)
# The stand-in cuts after every fifth character: these are cut where they belong together.
async def test_what_is_told_piece_by_piece_is_what_is_kept(chat_harness, standin, text):
    await standin.say(text)

    asked = await chat_harness.send(await chat_harness.begin(), "Say something odd.")
    chat = await chat_harness.finish(asked)

    told = ""
    for name, data in await chat_harness.told(asked.turn.id):
        if name == "token":
            told = told[: data["at"]] + data["text"]
    assert told == chat.shown[-1].text == clean_lines(text).strip()
