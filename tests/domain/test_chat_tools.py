"""What each of the agent's tools finds, and what it is told when it asks wrongly."""

import json
from uuid import uuid4

import pytest

from db.repositories.factoids import FactoidReads
from domain.chat.sources import Sources
from domain.chat.tools import RESULT_BYTES, Toolbox, schemas
from domain.chat.web import WebSearch
from domain.cursor import Cursors
from domain.factoids.service import FactoidService
from domain.llm.tool_calls import ToolCall
from tests.fixtures.chat import SEARCH_USD


@pytest.fixture
def sources():
    return Sources("http://factoids.test")


@pytest.fixture
def toolbox(database, tavily, sources):
    factoids = FactoidService(FactoidReads(database.reads), Cursors("secret"))
    return Toolbox(
        factoids,
        WebSearch(base_url=tavily.base_url, api_key="tvly-test", price_usd=SEARCH_USD),
        sources,
    )


def call(name, **arguments):
    return ToolCall("call_1", name, json.dumps(arguments))


def told(used):
    return json.loads(used.content.split("\n")[1])


async def test_a_search_finds_facts_and_numbers_each_once(toolbox, make, sources):
    bee = await make.factoid("Bees dance to tell where flowers are.", subject="Bees")
    await make.factoid("Wasps make paper from bees' wood.", subject="Wasps")

    first = await toolbox.call(call("search_factoids", query="flowers"))
    second = await toolbox.call(call("search_factoids", query="bees"))

    assert told(first) == [{"source": 1, "factoid_id": str(bee.id), "text": bee.text}]
    assert {one["source"] for one in told(second)} == {1, 2}
    assert len(sources.all) == 2


async def test_a_fact_is_read_and_those_like_it_are_found(toolbox, make):
    bee = await make.factoid("Bees dance.", subject="Bees", category="animals")
    also = await make.factoid("Bees have five eyes.", subject="Eyes of bees", category="animals")
    near = await make.factoid("Owls cannot turn their eyes.", subject="Owls", category="animals")
    await make.factoid("Venus turns backwards.", subject="Venus", category="space")

    one = await toolbox.call(call("get_factoid", factoid_id=str(bee.id)))
    related = await toolbox.call(call("related_factoids", factoid_id=str(bee.id)))
    nothing = await toolbox.call(call("get_factoid", factoid_id=str(uuid4())))

    assert [fact["text"] for fact in told(one)] == [bee.text]
    assert [fact["text"] for fact in told(related)] == [also.text, near.text]
    assert (nothing.ok, nothing.summary) == (False, "No such factoid")


async def test_a_search_of_the_web_finds_pages_by_number_alone(toolbox, tavily, sources):
    used = await toolbox.call(call("web_search", query="bees", max_results=2))

    assert [set(one) for one in told(used)] == [{"source", "title", "text"}] * 2
    assert [one.url for one in sources.all] == [
        "https://pages.example/0",
        "https://pages.example/1",
    ]
    assert tavily.asked == [{"query": "bees", "max_results": 2, "search_depth": "basic"}]


async def test_a_result_is_no_longer_than_a_prompt_has_room_for(toolbox, make):
    for number in range(5):
        await make.factoid(f"Bees {number} " + "hum " * 900)

    used = await toolbox.call(call("search_factoids", query="bees"))

    assert len(used.content.encode()) < RESULT_BYTES + 100
    assert len(told(used)) == len(used.sources) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("search_factoids", "{", id="no JSON"),
        pytest.param("search_factoids", "[" * 100_000, id="far too deep"),
        pytest.param("search_factoids", '{"query": "x", "more": 1}', id="more than there is"),
        pytest.param("search_factoids", '{"query": ""}', id="nothing to look for"),
        pytest.param("search_factoids", '{"query": "x", "limit": 500}', id="too many"),
        pytest.param("search_factoids", '{"query": "\\ud800"}', id="half a character"),
        pytest.param("get_factoid", '{"factoid_id": "7"}', id="no id"),
        pytest.param("eval", '{"code": "1"}', id="no such tool"),
    ],
)
async def test_whatever_is_asked_there_is_an_answer(toolbox, name, arguments):
    used = await toolbox.call(ToolCall("call_1", name, arguments))

    assert (used.ok, used.sources) == (False, [])
    assert isinstance(told(used), str)


def test_models_are_told_of_tools_by_closed_schemas():
    for tool in schemas(web=True):
        function = tool["function"]
        assert function["description"].endswith(".")
        assert function["parameters"]["additionalProperties"] is False
        assert function["parameters"]["required"]
        assert "$ref" not in json.dumps(function)
