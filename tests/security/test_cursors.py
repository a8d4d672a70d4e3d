"""A cursor is ours, whole, for one list, and says nothing about who had it before."""

import time
from itertools import permutations

import httpx
import pytest
from litestar import Litestar

from domain.cursor import Cursors
from domain.factoids.service import FactoidQuery, Sort
from tests.configuration import settings
from tests.factories import Factories
from tests.fixtures.api import api_client

LIST = "/api/factoids"
QUESTIONS: list[dict[str, str]] = [
    {},
    {"sort": "top"},
    {"sort": "hot"},
    {"sort": "controversial"},
    {"sort": "random"},
    {"category": "space"},
    {"category": "space", "sort": "top"},
    {"q": "planets"},
    {"q": "planets", "sort": "new"},
    {"since": "2020-01-01"},
]


async def cursor_of(client: httpx.AsyncClient, asked: dict[str, str]) -> str:
    answer = await client.get(LIST, params={**asked, "limit": 1})
    cursor = answer.json()["next_cursor"]
    assert cursor, asked
    return cursor


@pytest.fixture
async def planets(make: Factories) -> None:
    for place in range(4):
        await make.factoid(f"Planets number {place} have rings.", category="space")


@pytest.mark.parametrize("asked", QUESTIONS, ids=str)
async def test_every_flipped_bit_is_refused(
    api: httpx.AsyncClient, planets: None, asked: dict[str, str]
):
    cursor = await cursor_of(api, asked)
    for bit in range(len(cursor) * 8):
        altered = bytearray(cursor, "ascii")
        altered[bit // 8] ^= 1 << bit % 8
        answer = await api.get(LIST, params={**asked, "cursor": altered.decode("latin-1")})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_cursor"), bit
    for end in range(1, len(cursor)):
        answer = await api.get(LIST, params={**asked, "cursor": cursor[:end]})
        assert answer.status_code == 400


async def test_a_cursor_answers_no_other_question(api: httpx.AsyncClient, planets: None):
    cursors = {place: await cursor_of(api, asked) for place, asked in enumerate(QUESTIONS)}
    for one, other in permutations(range(len(QUESTIONS)), 2):
        if QUESTIONS[one] | {"sort": ""} == QUESTIONS[other] | {"sort": ""}:
            continue
        answer = await api.get(LIST, params={**QUESTIONS[other], "cursor": cursors[one]})
        assert answer.status_code == 400, (QUESTIONS[one], QUESTIONS[other])


@pytest.mark.parametrize("sort", [None, "top", "random"])
async def test_a_cursor_replayed_after_thirty_days_is_refused(
    api: httpx.AsyncClient, planets: None, sort: Sort | None
):
    asked = {"sort": sort} if sort else {}
    identity = FactoidQuery(sort).identity
    cursor = await cursor_of(api, asked)
    place = Cursors(*settings.server_secrets).read(identity, cursor)

    async def replayed_after(days: float) -> httpx.Response:
        then = time.time() - days * 86_400
        old = Cursors(*settings.server_secrets, clock=lambda: then).write(identity, place)
        return await api.get(LIST, params={**asked, "cursor": old})

    now = await api.get(LIST, params={**asked, "cursor": cursor})
    for days in (0, 1, 28.9):
        assert (await replayed_after(days)).json()["items"] == now.json()["items"] != []
    for days in (30, 31, 45, 400, 10_000):
        answer = await replayed_after(days)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "invalid_cursor")
        assert "30 days old" in problem["detail"]
        assert problem["errors"][0]["pointer"] == "cursor"


async def test_a_cursor_handed_on_tells_nothing_of_the_visitor_before(
    api: httpx.AsyncClient, app: Litestar, planets: None
):
    for card in (await api.get(LIST)).json()["items"]:
        await api.put(f"{LIST}/{card['id']}/vote", json={"value": 1})
    cursor = await cursor_of(api, {})
    own = (await api.get(LIST, params={"cursor": cursor})).json()["items"]
    async with api_client(app, "198.51.100.1") as other:
        theirs = (await other.get(LIST, params={"cursor": cursor})).json()["items"]

    assert [one["id"] for one in own] == [one["id"] for one in theirs]
    assert [one["my_vote"] for one in own] == [1, 1, 1]
    assert [one["my_vote"] for one in theirs] == [None, None, None]
