"""Asking for a factoid: what is accepted, what is refused, and in which words."""

import asyncio
from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from api.visitor_cookie import VisitorTokens
from tests.configuration import settings
from tests.fixtures.api import api_client
from tests.fixtures.generation import MODEL
from tests.processes import RunningAPI, running_api

LIMITS = {"GENERATE_LIMITS": "1/60,3/3600,20/86400", "TRUSTED_PROXY_HOPS": "1"}


@pytest.fixture(scope="module")
async def two_apis(empty_database: None) -> AsyncGenerator[list[RunningAPI]]:
    async with running_api(**LIMITS) as one, running_api(**LIMITS) as other:
        yield [one, other]


async def test_a_request_is_accepted_with_its_price(api, model):
    answer = await api.post(
        "/api/factoids/generate", json={"topic": "  honey ", "model": MODEL, "temperature": 0.5}
    )

    asked = answer.json()
    assert answer.status_code == 202
    assert (asked["status"], asked["topic"], asked["factoid"]) == ("queued", "honey", None)
    assert asked["quote"]["model"] == MODEL
    assert Decimal(str(asked["quote"]["worst_case_usd"])) > 0
    assert asked["stream_url"] == f"/api/factoids/generate/{asked['id']}/stream"
    listed = (await api.get("/api/factoids/generate")).json()["items"]
    assert [one["id"] for one in listed] == [asked["id"]]


@pytest.mark.parametrize(
    ("body", "status", "at"),
    [
        pytest.param({"topic": "x" * 121}, 422, "/topic", id="a topic of 121 characters"),
        pytest.param({"topic": "x" * 1_001}, 422, "/topic", id="a topic of 1,001 characters"),
        pytest.param({"model": "openai/o1-pro"}, 422, "/model", id="a model not in the list"),
        pytest.param({"temperature": 2.1}, 422, "/temperature", id="too hot"),
        pytest.param({"temperature": -0.1}, 422, "/temperature", id="too cold"),
        pytest.param({"temperature": "hot"}, 422, "/temperature", id="a word for a number"),
        pytest.param({"prompt": "x"}, 422, None, id="a field nobody knows"),
        pytest.param([], 422, None, id="a list"),
    ],
)
async def test_a_wish_that_cannot_be_met_is_refused_at_its_field(api, model, body, status, at):
    answer = await api.post("/api/factoids/generate", json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if at:
        assert answer.json()["errors"][0]["pointer"] == at


@pytest.mark.parametrize("temperature", [0, 2, None])
async def test_the_ends_of_the_scale_are_fine(api, model, temperature):
    answer = await api.post("/api/factoids/generate", json={"temperature": temperature})

    assert answer.status_code == 202


async def test_without_a_model_one_is_asked_to_come_back(api):
    answer = await api.post("/api/factoids/generate", json={})

    assert (answer.status_code, answer.json()["code"]) == (503, "no_models")
    assert answer.headers["Retry-After"] == "60"


async def test_the_models_are_listed_with_exact_prices_the_cheapest_first(api, make):
    await make.model("a/dear", completion_usd=Decimal("0.000005"))
    await make.model(MODEL)

    answer = await api.get("/api/models")

    listed = msgspec.json.decode(answer.content)["items"]
    assert [one["id"] for one in listed] == [MODEL, "a/dear"]
    assert Decimal(str(listed[0]["prompt_usd"])) == Decimal("0.00000015")


async def test_a_request_cancelled_while_it_waits_gives_the_allowance_back(api, model):
    before = (await api.get("/api/factoids/limits")).json()
    asked = (await api.post("/api/factoids/generate", json={})).json()
    used = (await api.get("/api/factoids/limits")).json()

    cancelled = await api.delete(f"/api/factoids/generate/{asked['id']}")

    assert cancelled.json()["status"] == "cancelled"
    assert left_of(used) == left_of(before) - 1
    assert left_of((await api.get("/api/factoids/limits")).json()) == left_of(before)


@pytest.mark.parametrize("who", ["one visitor", "one network"])
async def test_forty_requests_at_two_processes_admit_exactly_one(two_apis, database, model, who):
    cookie = {"Cookie": f"visitor={VisitorTokens(settings.secret_key).write(uuid4())}"}

    async def ask(place: int) -> httpx.Response:
        headers = (
            {"X-Forwarded-For": f"198.51.{place}.7"} | cookie
            if who == "one visitor"
            else {"X-Forwarded-For": f"203.0.113.{place}"}
        )
        async with two_apis[place % 2].client(headers=headers) as client:
            return await client.post("/api/factoids/generate", json={})

    answers = await asyncio.gather(*(ask(place) for place in range(40)))

    refused = [answer for answer in answers if answer.status_code == 429]
    assert [one.status_code for one in answers if one not in refused] == [202]
    for answer in refused:
        problem = answer.json()
        assert problem["code"] == "generation_limit"
        assert 1 <= problem["retry_after_s"] <= 61
        assert answer.headers["Retry-After"] == str(problem["retry_after_s"])


async def test_another_visitor_of_another_network_is_not_limited_with_one(app, api, model):
    await api.post("/api/factoids/generate", json={})

    async with api_client(app, "198.51.100.1") as stranger:
        limits = (await stranger.get("/api/factoids/limits")).json()

    assert left_of(limits) == 1_000


def left_of(limits: dict[str, Any], policy: str = "generate") -> int:
    """What remains in the shortest window."""
    found = next(one for one in limits["policies"] if one["policy"] == policy)
    return found["windows"][0]["remaining"]
