"""Whole chats against the habits of providers: what each sends, and what it refuses."""

from collections import Counter
from decimal import Decimal

import pytest

from domain.chat.agent import give_ids
from domain.llm.fields import Fields
from domain.llm.reasoning import Reasoning
from domain.llm.tool_calls import ToolCall
from tests.fixtures.chat import anew
from tests.fixtures.generation import bill, books, closed, completions
from tests.standins.openrouter.habits import HABITS, MISTRAL_ID, THOUGHT

SEARCH = ("search_factoids", {"query": "octopus"})
RELATED = ("search_factoids", {"query": "hearts"})


@pytest.fixture(params=HABITS)
async def provider(request, standin, make) -> str:
    await make.factoid("Octopuses have three hearts.", subject="Octopus hearts")
    await standin.set_habit(request.param)
    return request.param


def told(chat) -> str:
    return chat.shown[-1].text


async def test_a_tool_is_used_and_its_result_answered_with(chat_harness, standin, provider):
    await standin.call(SEARCH, said="Let me look.")
    await standin.say("They have **three** [1].")

    chat = await chat_harness.say(await chat_harness.begin(), "How many hearts?")

    answer = chat.shown[-1]
    assert (answer.status, [tool["ok"] for tool in answer.tools]) == ("done", [True])
    assert told(chat) == "Let me look.\n\nThey have **three** [1]."
    assert [source["number"] for source in answer.sources] == [1]
    log = await standin.log()
    assert len(completions(log)) == 2
    assert await books(chat_harness.database) == closed(bill(log))


async def test_two_calls_at_once_are_both_made(chat_harness, standin, provider):
    await standin.call(SEARCH, RELATED)
    await standin.say("Three [1].")

    chat = await chat_harness.say(await chat_harness.begin(), "How many hearts?")

    tools = chat.shown[-1].tools
    assert [(tool["name"], tool["ok"]) for tool in tools] == [("search_factoids", True)] * 2
    assert len({tool["id"] for tool in tools}) == 2
    assert told(chat) == "Three [1]."


async def test_a_model_that_never_stops_looking_is_made_to_answer(chat_harness, standin, provider):
    await standin.queue(*["tool-loop"] * 12)

    chat = await chat_harness.say(await chat_harness.begin(), "How many hearts?")

    last = completions(await standin.log())[-1]["body"]
    assert (last["tool_choice"], len(last["tools"])) == ("none", 3)
    assert chat.shown[-1].status == "done"
    assert len(chat.shown[-1].tools) > 2
    assert told(chat)


async def test_an_answer_that_was_cut_says_so_and_goes_on(chat_harness, standin, provider):
    await standin.queue("length")
    chat = await chat_harness.say(await chat_harness.begin(), "How many hearts?")
    cut = chat.shown[-1]
    assert (cut.status, chat.last_turn.problem_code) == ("interrupted", "too_long")
    assert cut.text

    await standin.say("and that is all.")
    attempt = anew()
    asked = await chat_harness.turns.continue_answer(
        chat_harness.caller, chat.session.id, cut.id, attempt
    )
    chat = await chat_harness.finish(asked)

    assert chat.shown[-1].status == "done"
    assert told(chat).startswith(cut.text.strip())
    assert told(chat).endswith("and that is all.")


async def test_no_thought_reaches_a_reader(chat_harness, standin, provider):
    await standin.call(SEARCH)
    await standin.say("Three [1].")

    asked = await chat_harness.send(await chat_harness.begin(), "How many hearts?")
    chat = await chat_harness.finish(asked)

    events = await chat_harness.told(asked.turn.id)
    written = "".join(data["text"] for name, data in events if name == "token")
    for text in (told(chat), written):
        assert THOUGHT[:10] not in text
        assert "think" not in text
        assert "{" not in text
    assert chat.session.cost_usd > Decimal(0)


@pytest.mark.parametrize("id_", ["tool_0_search", "call_1", "D681PevKs"])
def test_an_id_that_is_given_twice_is_changed_where_thoughts_name_it_too(id_):
    reasoning = Reasoning()
    details = [
        {"type": "reasoning.encrypted", "data": "CoEB", "id": id_, "index": 0},
        {"type": "reasoning.encrypted", "data": "CoEC", "id": "other", "index": 1},
    ]
    reasoning.add(Fields({"reasoning_details": details}, Counter()))
    call = ToolCall(id=id_, name="search_factoids")

    kept = reasoning.message_fields(give_ids([call], set()))
    assert (call.id, kept["reasoning_details"]) == (id_, details)

    changed = reasoning.message_fields(give_ids([call], {id_}))["reasoning_details"]
    assert MISTRAL_ID.fullmatch(call.id)
    assert changed == [details[0] | {"id": call.id}, details[1]]
