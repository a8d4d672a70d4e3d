"""A live quote: what a new factoid would cost, how long it takes, what is left after it."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from sqlalchemy import text

from tests.factories import unique
from tests.fixtures.generation import MODEL
from tests.processes import RunningAPI, running_api

pytestmark = pytest.mark.usefixtures("own_quotes")

QUOTE = "/api/factoids/quote"
GENERATE = "/api/factoids/generate"
TIGHT = {"GENERATE_LIMITS": "1/60,3/3600", "TRUSTED_PROXY_HOPS": "1"}


@pytest.fixture(scope="module")
async def tight(empty_database: None) -> AsyncGenerator[RunningAPI]:
    async with running_api(**TIGHT) as api:
        yield api


async def quoted(api, **asked: str) -> dict[str, Any]:
    answer = await api.get(QUOTE, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return msgspec.json.decode(answer.content)


async def went_by(database, *, cost_usd: str, wait_s: int, model: str = MODEL) -> None:
    """A request that was answered and settled."""
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO generation_requests (id, origin, model, model_pinned, prompt_version,"
                " quote_usd, status, cost_usd, settled_at, created_at, finished_at) VALUES"
                " (:id, 'manual', :model, true, '1', 1, 'succeeded', :cost, now(),"
                " now() - make_interval(secs => :wait), now())"
            ),
            {"id": uuid4(), "model": model, "cost": Decimal(cost_usd), "wait": wait_s},
        )


async def test_a_quote_is_the_price_the_request_then_gets(api, model):
    quote = await quoted(api, model=MODEL)
    asked = (await api.post(GENERATE, json={"model": MODEL})).json()

    assert (quote["model"], quote["name"]) == (MODEL, MODEL)
    assert Decimal(str(quote["worst_case_usd"])) > 0
    assert str(quote["worst_case_usd"]) == str(asked["quote"]["worst_case_usd"])
    assert (quote["usual_usd"], quote["expected_wait_s"]) == (None, None)
    assert (quote["allowed"], quote["reason"]) == (True, None)


async def test_what_is_left_after_it_is_what_is_left_once_it_is_asked_for(tight, model):
    async with tight.client(headers={"X-Forwarded-For": "203.0.113.9"}) as client:
        before = await quoted(client, model=MODEL)
        await client.post(GENERATE, json={"model": MODEL})
        after = await quoted(client, model=MODEL)

    assert before["left_after"] == [
        {"name": "minute", "remaining": 0},
        {"name": "hour", "remaining": 2},
    ]
    assert (after["allowed"], after["left_after"]) == (False, before["left_after"])
    assert "That was your share for now" in after["reason"]
    assert after["budget_left_after_usd"] == before["budget_left_after_usd"]


async def test_the_usual_price_and_wait_are_medians_of_that_model(api, database, make, model):
    await make.model("a/dear", completion_usd=Decimal("0.000005"))
    for cost_usd, wait_s in (("0.00001", 1), ("0.00002", 2), ("0.5", 60)):
        await went_by(database, cost_usd=cost_usd, wait_s=wait_s)
    await went_by(database, cost_usd="0.3", wait_s=9, model="a/dear")

    mine, dear = await quoted(api, model=MODEL), await quoted(api, model="a/dear")
    any_model = await quoted(api)

    assert Decimal(str(mine["usual_usd"])) == Decimal("0.00002")
    assert mine["expected_wait_s"] == 2
    assert (Decimal(str(dear["usual_usd"])), dear["expected_wait_s"]) == (Decimal("0.3"), 9)
    assert any_model["expected_wait_s"] == 5.5


async def test_without_a_model_the_dearest_of_those_we_choose_from_is_quoted(api, make, model):
    await make.model("a/dear", completion_usd=Decimal("0.000005"))

    quote, dear = await quoted(api), await quoted(api, model="a/dear")

    assert (quote["model"], quote["name"]) == (None, "Chosen for you")
    assert quote["worst_case_usd"] == dear["worst_case_usd"]


async def test_a_budget_without_room_for_it_says_why_not(database, model):
    async with running_api(BUDGET_VISITOR_USD="0.000001") as api, api.client() as client:
        quote = await quoted(client, model=MODEL)
        refused = await client.post(GENERATE, json={"model": MODEL})

    assert refused.status_code == 402
    assert quote["allowed"] is False
    assert "midnight UTC" in quote["reason"]
    assert Decimal(str(quote["budget_left_after_usd"])) == Decimal("0.000001")


async def test_without_redis_it_says_that_nothing_can_be_written_now(database, model):
    async with running_api(REDIS_URL="redis://127.0.0.1:9/0") as api, api.client() as client:
        quote = await quoted(client, model=MODEL)

    assert (quote["allowed"], quote["left_after"]) == (False, [])
    assert "cannot count" in quote["reason"]


async def test_a_quote_takes_nothing(api, database, model):
    before = (await api.get("/api/factoids/limits")).json()
    for _ in range(3):
        await quoted(api, model=MODEL)

    after = (await api.get("/api/factoids/limits")).json()
    assert (
        after["policies"][0]["windows"][0]["remaining"]
        == (before["policies"][0]["windows"][0]["remaining"])
    )


async def test_a_model_that_is_not_in_the_list_is_refused(api, model):
    answer = await api.get(QUOTE, params={"model": unique()})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_model")
