"""Model servers of one's own: found, used and paid for by two settings."""

import json
from collections.abc import AsyncGenerator, Generator
from decimal import Decimal

import msgspec
import pytest

from domain.caller import Caller
from domain.generation.input import GenerationInput
from domain.generation.kind import GENERATIONS
from domain.model_runs.settlement import settle_run
from jobs.services import WorkerServices
from settings import load
from settings.checks import WrongSetting, check
from tests.configuration import settings
from tests.fixtures.chat import anew, visitor
from tests.fixtures.generation import books, closed
from tests.services import services_on
from tests.standins.openai import (
    ANSWER_TOKENS,
    PROMPT_TOKENS,
    ROWS,
    ModelServer,
    running_model_server,
)

FACT = {
    "text": "Honey never spoils if it is kept dry.",
    "subject": "Honey",
    "emoji": "🍯",
    "category": "food",
}
PRICE = "0.15/0.60"
COST_USD = (PROMPT_TOKENS * Decimal("0.15") + ANSWER_TOKENS * Decimal("0.60")) / 1_000_000


@pytest.fixture(params=ROWS)
def server(request) -> Generator[ModelServer]:
    with running_model_server(request.param) as running:
        yield running


@pytest.fixture(params=[PRICE, "free"])
async def services(request, server, database, redis) -> AsyncGenerator[WorkerServices]:
    services = services_on(
        database,
        redis,
        openrouter_base_url=server.base_url,
        openrouter_api_key=None,
        models_price_usd=request.param,
        chat_limits="1000/60",
    )
    yield services
    await services.openrouter.close()


async def listed(services: WorkerServices) -> int:
    return await services.catalogue.refresh(
        services.openrouter,
        allowed=services.settings.model_patterns,
        prices=services.settings.model_prices,
        ceiling_usd=Decimal(5),
    )


def cost_of(services: WorkerServices) -> Decimal:
    return COST_USD if services.settings.models_price_usd == PRICE else Decimal(0)


async def test_a_fact_is_written_and_its_cost_computed(services, server, database):
    assert await listed(services) == 1
    server.answers.append({"content": json.dumps(FACT)})
    state = await services.generations.create(visitor(), GenerationInput("honey"), origin="manual")

    await services.generation.finish(state.request.id)

    request = (await services.generations.newest(visitor_of(state)))[0].request
    assert (request.status, request.model) == ("succeeded", server.model)
    assert (request.cost_usd, request.cost_source) == (cost_of(services), "computed")
    assert await books(database) == closed(cost_of(services))
    assert not [path for path, _ in server.requests if "generation" in path]


async def test_a_chat_looks_something_up_and_answers(services, server, make, database):
    await listed(services)
    await make.factoid("Octopuses have three hearts.", subject="Octopus hearts")
    look = {"name": "search_factoids", "arguments": json.dumps({"query": "octopus"})}
    server.answers.append({"tool_calls": [{"index": 0, "id": "call_1", "function": look}]})
    server.answers.append({"content": "Three [1]."})
    caller = visitor()
    chat = await services.chats.create(
        caller, factoid_id=None, model=None, title=None, attempt=anew()
    )
    asked = await services.turns.send(
        caller, chat.session.id, "How many hearts?", edit_of=None, attempt=anew()
    )

    await services.chat.run(asked.turn.id)

    answer = (await services.chats.get(caller, chat.session.id)).shown[-1]
    assert (answer.status, answer.text) == ("done", "Three [1].")
    assert [tool["ok"] for tool in answer.tools] == [True]
    assert await books(database) == closed(2 * cost_of(services))


async def test_a_server_that_counts_nothing_is_booked_at_the_worst_case_at_once(
    services, server, database
):
    await listed(services)
    server.counts_tokens = False
    server.answers.append({"content": json.dumps(FACT)})
    state = await services.generations.create(visitor(), GenerationInput("honey"), origin="manual")

    await services.generation.finish(state.request.id)
    await settle_run(database.sessions, services.openrouter, GENERATIONS, state.request.id)

    request = (await services.generations.newest(visitor_of(state)))[0].request
    assert (request.status, request.cost_source) == ("succeeded", "quote")
    assert request.cost_usd == request.quote_usd
    assert not [path for path, _ in server.requests if "generation" in path]


def visitor_of(state) -> Caller:
    return Caller("visitor", state.request.caller_id, state.request.network)


@pytest.mark.parametrize("price", ["free", "0/0", "0.15/0.60", "12/36"])
def test_a_price_is_read(price):
    check(msgspec.structs.replace(settings, models_price_usd=price))


@pytest.mark.parametrize("price", ["-1/2", "cheap", "0.1", "1/2/3"])
def test_what_is_no_price_is_refused(price):
    with pytest.raises(WrongSetting):
        load({"MODELS_PRICE_USD": price})
