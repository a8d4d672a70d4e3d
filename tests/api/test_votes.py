"""Votes and feedback over HTTP."""

import asyncio
import json
from http.cookiejar import DefaultCookiePolicy
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import func, select

from db.models import Feedback, Tally, Vote
from tests.fixtures.api import api_client
from tests.proof import at_length

FEEDBACK_PER_HOUR = 20
FEEDBACK_PER_HOUR_AND_NETWORK = 100

FAMILY = "👨‍👩‍👧‍👦"
"""One character to a reader, seven to Python."""


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize(
    ("cast", "tally"),
    [
        ([1], (1, 0, 1)),
        ([1, 1, 1], (1, 0, 1)),
        ([1, -1], (0, 1, -1)),
        ([1, 0], (0, 0, None)),
        ([0], (0, 0, None)),
        ([-1, 0, 1], (1, 0, 1)),
    ],
)
async def test_a_visitor_has_one_standing_vote(api, make, method, cast, tally):
    factoid = await make.factoid()
    address = f"/api/factoids/{factoid.id}/vote"
    answers = [await api.request(method, address, json={"value": value}) for value in cast]

    assert {answer.status_code for answer in answers} == {200}
    told = answers[-1].json()
    assert (told["votes_up"], told["votes_down"], told["my_vote"]) == tally
    assert told["score"] == tally[0] - tally[1]
    shown = (await api.get(f"/api/factoids/{factoid.id}")).json()
    assert (shown["votes_up"], shown["votes_down"], shown["my_vote"]) == tally


async def test_an_unknown_factoid_cannot_be_voted_on(api):
    answer = await api.put(f"/api/factoids/{uuid4()}/vote", json={"value": 1})

    assert answer.status_code == 404
    assert answer.json()["code"] == "factoid_not_found"


async def test_many_callers_at_once_over_http(served, make, database):
    """Everybody changes their mind; a fifth repeat themselves at the same time."""
    callers, factoid = at_length(200, whole=500), await make.factoid()
    address = f"{served.url}/api/factoids/{factoid.id}/vote"
    limits = httpx.Limits(max_connections=10)

    async def crowd(places: range) -> None:
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            await asyncio.gather(*(visitor(client, place) for place in places))

    async def visitor(client: httpx.AsyncClient, place: int) -> None:
        first = await client.put(address, json={"value": (1, -1)[place % 2]})
        assert first.status_code == 200
        mine = {"cookie": first.headers["set-cookie"].split(";")[0]}
        values = [(1, -1, 0)[place % 3]] * (2 if place % 5 == 0 else 1)
        answers = await asyncio.gather(
            *(client.put(address, json={"value": value}, headers=mine) for value in values)
        )
        assert {answer.status_code for answer in answers} == {200}

    # One client with all of them would spend its time on its own queue.
    await asyncio.gather(*(crowd(range(start, start + 50)) for start in range(0, callers, 50)))

    async with database.sessions() as session:
        tally = await session.get(Tally, factoid.id)
        counts = dict(
            (await session.execute(select(Vote.value, func.count()).group_by(Vote.value))).all()
        )
    third = -(-callers // 3)
    assert sum(counts.values()) == callers
    assert (tally.votes_up, tally.votes_down) == (counts[1], counts[-1]) == (third, third)


async def test_feedback_is_tied_to_the_visitor_and_their_standing_vote(api, make, database):
    factoid = await make.factoid()
    await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": -1})

    first = await api.post(
        "/api/factoids/feedback",
        json={"factoid_id": str(factoid.id), "comment": " Heard \x07 that. ", "tags": ["boring"]},
    )
    second = await api.post(
        "/api/factoids/feedback",
        json={"factoid_id": str(factoid.id), "tags": ["love-it", "love-it"], "vote": 1},
    )

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["comment"] == "Heard that."
    assert (first.json()["vote"], second.json()["vote"]) == (-1, 1)
    assert second.json()["tags"] == ["love-it"]
    tally = (await api.get(f"/api/factoids/{factoid.id}")).json()
    assert (tally["votes_up"], tally["votes_down"]) == (1, 0)
    async with database.sessions() as session:
        kept = (await session.scalars(select(Feedback))).all()
    assert len({one.caller_id for one in kept}) == 1
    assert {one.network for one in kept} == {"192.0.2.0/24"}


@pytest.mark.parametrize(
    ("comment", "status"),
    [
        pytest.param("x" * 1_000, 201, id="1,000 letters"),
        pytest.param("x" * 1_001, 422, id="a letter more"),
        pytest.param(FAMILY * 1_000, 201, id="1,000 families"),
        pytest.param(FAMILY * 1_001, 422, id="a family more"),
        pytest.param("  \u200b\x07 ", 422, id="nothing a reader sees"),
        pytest.param("\ud800", 422, id="half a character"),
    ],
)
async def test_a_comment_is_measured_as_a_reader_counts(api, make, comment, status):
    factoid = await make.factoid()
    spelled = json.dumps(comment, ensure_ascii=comment == "\ud800")
    body = f'{{"factoid_id": "{factoid.id}", "comment": {spelled}}}'

    answer = await api.post(
        "/api/factoids/feedback", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"comment": None, "tags": []},
        {"tags": ["splendid"]},
        {"tags": ["wrong"] * 7},
        {"tags": "wrong"},
        {"comment": 7},
        {"vote": 2, "comment": "x"},
        {"visitor_id": str(uuid4()), "comment": "x"},
    ],
)
async def test_feedback_that_says_nothing_usable_is_refused(api, make, body):
    factoid = await make.factoid()

    answer = await api.post("/api/factoids/feedback", json={"factoid_id": str(factoid.id), **body})

    assert answer.status_code == 422


async def test_feedback_on_an_unknown_factoid_is_refused(api):
    body = {"factoid_id": str(uuid4()), "comment": "x", "vote": 1}

    assert (await api.post("/api/factoids/feedback", json=body)).status_code == 404


async def test_a_visitor_has_so_much_feedback_an_hour_also_at_once(api, make, database):
    factoid = await make.factoid()
    body = {"factoid_id": str(factoid.id), "comment": "Again!"}
    # The identity comes with the first changing call.
    await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})

    answers = await asyncio.gather(
        *(api.post("/api/factoids/feedback", json=body) for _ in range(FEEDBACK_PER_HOUR + 15))
    )

    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == FEEDBACK_PER_HOUR
    assert statuses.count(429) == 15
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 3_500 < int(refused.headers["retry-after"]) <= 3_601
    assert refused.json()["code"] == "too_much_feedback"


async def test_a_network_has_so_much_feedback_an_hour_also_without_cookies(app, make, database):
    factoid = await make.factoid()
    body = {"factoid_id": str(factoid.id), "comment": "Me again!"}

    async def somebody_new(address: str) -> int:
        async with api_client(app, address) as client:
            return (await client.post("/api/factoids/feedback", json=body)).status_code

    many = FEEDBACK_PER_HOUR_AND_NETWORK + 10
    statuses = await asyncio.gather(
        *(somebody_new(f"192.0.2.{place % 250}") for place in range(many))
    )

    assert statuses.count(201) == FEEDBACK_PER_HOUR_AND_NETWORK
    assert statuses.count(429) == 10
    assert await somebody_new("198.51.100.1") == 201
    async with database.sessions() as session:
        kept = await session.scalar(select(func.count()).select_from(Feedback))
    assert kept == FEEDBACK_PER_HOUR_AND_NETWORK + 1


async def test_refused_feedback_leaves_no_vote(api, make):
    factoid = await make.factoid()
    body = {"factoid_id": str(factoid.id), "comment": "x", "vote": 1}
    for _ in range(FEEDBACK_PER_HOUR):
        await api.post("/api/factoids/feedback", json={**body, "vote": 0})

    assert (await api.post("/api/factoids/feedback", json=body)).status_code == 429
    assert (await api.get(f"/api/factoids/{factoid.id}")).json()["votes_up"] == 0
