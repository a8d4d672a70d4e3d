"""Limits on the wire: what every limited answer says, and that it is true."""

import asyncio
from typing import Any
from uuid import uuid4

import http_sf
import httpx
import pytest

from api.visitor_cookie import VisitorTokens
from domain.caller import Caller
from domain.errors import RateLimited
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.limits.read_limiter import ReadLimiter
from settings import Settings
from tests.configuration import settings
from tests.fixtures.api import api_client
from tests.limits import age


@pytest.fixture
def set_limits(app, redis, monkeypatch):
    """The API with other limits."""

    def set_them(**limits: str) -> None:
        policies = Policies(Settings(**limits))  # pyright: ignore[reportArgumentType]
        monkeypatch.setattr(app.state.services.limiter, "policies", policies)
        monkeypatch.setattr(
            app.state.services, "read_limiter", ReadLimiter(app.state.services.limiter)
        )

    return set_them


def parsed(answer: httpx.Response, field: str) -> dict[str, dict[str, int]]:
    """A list of strings with parameters, by string."""
    items: Any = http_sf.parse(answer.headers[field].encode(), tltype="list")
    assert all(isinstance(name, str) for name, _ in items)
    assert all(type(number) is int and number >= 0 for _, its in items for number in its.values())
    return {name: dict(its) for name, its in items}


async def test_however_its_path_is_spelt_a_read_counts(set_limits, api):
    set_limits(read_limits="2/60")
    paths = ("//api/factoids", "/api//factoids", "///api/factoids/")

    answers = [await api.get(f"http://factoids.test{path}") for path in paths]

    assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_an_admitted_and_a_refused_request_say_what_is_left(set_limits, api, redis, model):
    set_limits(generate_limits="1/60,3/3600,20/86400")

    admitted = await api.post("/api/factoids/generate", json={})
    refused = await api.post("/api/factoids/generate", json={})

    assert (admitted.status_code, refused.status_code) == (202, 429)
    for answer in (admitted, refused):
        assert parsed(answer, "RateLimit-Policy") == {
            "minute": {"q": 1, "w": 60},
            "hour": {"q": 3, "w": 3_600},
            "day": {"q": 20, "w": 86_400},
        }
        left = parsed(answer, "RateLimit")
        assert {name: of["r"] for name, of in left.items()} == {"minute": 0, "hour": 2, "day": 19}
        assert 1 <= left["minute"]["t"] <= 60
    wait_s = int(refused.headers["Retry-After"])
    assert wait_s == refused.json()["retry_after_s"] >= left["minute"]["t"]
    await age(redis, wait_s)
    assert (await api.post("/api/factoids/generate", json={})).status_code == 202


@pytest.mark.parametrize("who", ["one visitor", "without a cookie"])
async def test_votes_are_limited_for_a_visitor_and_for_their_network(set_limits, app, make, who):
    set_limits(vote_limits="3/60", network_vote_limits="5/60")
    factoid = await make.factoid()
    token = VisitorTokens(settings.secret_key).write(uuid4())

    async def vote(value: int) -> httpx.Response:
        headers = {"Cookie": f"visitor={token}"} if who == "one visitor" else {}
        async with api_client(app) as client:
            path = f"/api/factoids/{factoid.id}/vote"
            return await client.put(path, json={"value": value}, headers=headers)

    answers = [await vote(1 - place % 2) for place in range(7)]

    admitted = 3 if who == "one visitor" else 5
    assert [one.status_code for one in answers] == [200] * admitted + [429] * (7 - admitted)
    assert answers[-1].json()["code"] == "vote_limit"
    for answer in answers:
        assert parsed(answer, "RateLimit-Policy") == {"minute": {"q": 3, "w": 60}}
        assert parsed(answer, "RateLimit")["minute"]["r"] <= 3


async def test_reads_are_limited_by_network_and_say_so(set_limits, app, api, make, redis):
    set_limits(read_limits="5/60")
    await make.factoid()

    answers = [await api.get("/api/factoids") for _ in range(7)]

    assert [one.status_code for one in answers] == [200] * 5 + [429] * 2
    assert [parsed(one, "RateLimit")["minute"]["r"] for one in answers] == [4, 3, 2, 1, 0, 0, 0]
    assert answers[-1].json()["code"] == "read_limit"
    wait_s = int(answers[-1].headers["Retry-After"])
    assert wait_s >= parsed(answers[-1], "RateLimit")["minute"]["t"]
    async with api_client(app, "198.51.100.1") as stranger:
        assert (await stranger.get("/api/factoids")).status_code == 200
    await age(redis, wait_s, "read")
    assert (await api.get("/api/factoids")).status_code == 200


async def test_permits_fetched_together_never_exceed_the_limit(redis):
    """Four processes read as fast as they can."""
    policies = Policies(Settings(read_limits="300/60"))
    readers = [ReadLimiter(RateLimiter(redis, policies)) for _ in range(4)]
    caller, admitted = Caller("visitor", None, "net"), 0

    async def read(place: int) -> None:
        nonlocal admitted
        try:
            reader = readers[place % 4]
            if not reader.try_cached(caller):
                await reader.acquire(caller)
        except RateLimited:
            return
        admitted += 1

    for _ in range(50):
        await asyncio.gather(*(read(place) for place in range(16)))

    # Those that lay unused for two seconds are lost.
    assert 250 < admitted <= 300


async def test_the_limits_are_told_for_each_policy(api, make):
    told = (await api.get("/api/factoids/limits")).json()["policies"]

    assert [one["policy"] for one in told] == [
        *("generate", "vote", "feedback", "checkout", "read", "chat")
    ]
    for policy in told:
        for window in policy["windows"]:
            assert set(window) == {"name", "limit", "window_s", "remaining", "reset_s"}
            assert 0 <= window["remaining"] <= window["limit"]


async def test_a_refused_generation_that_was_counted_is_given_back(api, model, app, monkeypatch):
    async def broken(*_: Any) -> None:
        raise RuntimeError("The database went away.")

    monkeypatch.setattr(app.state.services.generations, "_add", broken)
    before = (await api.get("/api/factoids/limits")).json()["policies"][0]

    assert (await api.post("/api/factoids/generate", json={})).status_code == 500

    assert (await api.get("/api/factoids/limits")).json()["policies"][0] == before
