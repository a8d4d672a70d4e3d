"""Searches of the web are paid for: held before they are made, booked after, or not made."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest

from db.models.chat import WEB_SEARCH
from db.repositories.chats import ChatTurnRepository
from domain.chat.admission import Admission
from domain.chat.searches import PaidSearches
from domain.chat.web import WebSearch, WebSearchFailed
from domain.model_runs.lease import LeaseManager
from domain.spending.budget import Budget, BudgetLimits, BudgetUsedUp
from tests.configuration import settings
from tests.fixtures.chat import SEARCH_USD, chat_harness_with, visitor
from tests.fixtures.generation import bill, books, closed, completions

LIMITS = BudgetLimits.of(settings)


@pytest.fixture
def web(tavily):
    return WebSearch(base_url=tavily.base_url, api_key="tvly-test", price_usd=SEARCH_USD)


async def searched(chat_harness, standin, *queries):
    for query in queries:
        await standin.call(("web_search", {"query": query}))
    await standin.say("There you are.")
    return await chat_harness.say(await chat_harness.begin(), "What is new about bees?")


async def test_a_search_is_booked_at_its_price_beside_the_calls_of_models(
    searching_harness, standin
):
    chat = await searched(searching_harness, standin, "bees", "wasps")

    models_usd = bill(await standin.log())
    turn = chat.turns[-1]
    searches = [one for one in chat.calls if one.model == WEB_SEARCH]
    assert [(one.state, one.cost_usd) for one in searches] == [("settled", SEARCH_USD)] * 2
    assert turn.cost_usd == chat.session.cost_usd == models_usd + 2 * SEARCH_USD
    assert await books(searching_harness.database) == closed(models_usd + 2 * SEARCH_USD)


@pytest.mark.parametrize(
    ("scenario", "searches"),
    [("error-500", 0), ("redirect", 0), ("garbage", 1), ("huge", 1), ("bomb", 1)],
)
async def test_a_search_that_fails_is_booked_unless_it_was_refused(
    searching_harness, standin, scenario, searches
):
    await searched(searching_harness, standin, f"{scenario}: bees")

    models_usd = bill(await standin.log())
    assert await books(searching_harness.database) == closed(models_usd + searches * SEARCH_USD)


async def test_a_search_nobody_answered_costs_nothing(database, redis, standin, model):
    away = WebSearch(base_url="http://127.0.0.1:9", api_key="tvly-test", price_usd=SEARCH_USD)
    async with chat_harness_with(database, redis, standin, web=away) as chat_harness:
        chat = await searched(chat_harness, standin, "bees")

    assert chat.shown[-1].tools[0]["summary"] == "Web search failed"
    assert await books(database) == closed(bill(await standin.log()))


async def test_a_search_that_is_cut_short_is_booked_when_the_turn_ends(
    database, redis, standin, model, web, tavily
):
    async with chat_harness_with(database, redis, standin, web=web, turn_s=1.5) as chat_harness:
        chat = await searched(chat_harness, standin, "hang: bees")

        assert chat.turns[-1].problem_code == "out_of_time"
        assert len(tavily.asked) == 1
        assert await books(database) == closed(bill(await standin.log()) + SEARCH_USD)


async def test_a_search_there_is_no_money_for_is_not_made_and_the_agent_told(
    database, redis, standin, model, web, tavily
):
    limits = replace(LIMITS, visitor_usd=SEARCH_USD - Decimal("0.000001"))
    async with chat_harness_with(database, redis, standin, web=web, limits=limits) as chat_harness:
        chat = await searched(chat_harness, standin, "bees")

    used = chat.shown[-1].tools[0]
    told = completions(await standin.log())[-1]["body"]["messages"][-1]
    assert (used["ok"], used["summary"]) == (False, "No money left for it")
    assert "no money left" in told["content"]
    assert chat.shown[-1].status == "done"
    assert tavily.asked == []
    assert await books(database) == closed(bill(await standin.log()))


async def test_searches_at_once_never_spend_more_than_the_budget(
    database, redis, standin, model, web, tavily
):
    turns, affordable = 8, 3
    async with chat_harness_with(database, redis, standin, web=web) as chat_harness:
        asked = []
        for _ in range(turns):
            chat_harness.caller = visitor()
            asked.append(await chat_harness.send(await chat_harness.begin(), "bees?"))
        held_usd = sum((one.turn.quote_usd for one in asked), Decimal(0))
        limits = replace(LIMITS, global_usd=held_usd + SEARCH_USD * (affordable + Decimal("0.9")))
        admission = Admission(chat_harness.limiter, Budget(limits))
        leases = LeaseManager(database.sessions, ChatTurnRepository)

        async def search(turn_id):
            lease = await leases.acquire(turn_id)
            assert lease
            with suppress(BudgetUsedUp, WebSearchFailed):
                await PaidSearches(lease, database.sessions, admission, web).find("bees", 1)
                return True
            return False

        found = await asyncio.gather(*(search(one.turn.id) for one in asked))

    assert sum(found) == len(tavily.asked) == affordable
    assert (await books(database)).spent_usd == affordable * SEARCH_USD
