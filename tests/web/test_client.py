"""The web's client against the real API, so that the two cannot drift apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import cycle
from uuid import uuid4

import httpx
import pytest
from httpx_sse import ServerSentEvent
from litestar import Litestar

from api.schemas.factoids import FeedbackIn
from api.schemas.generation import GenerateIn, GenerationProblem, LiveTally
from tests.factories import Factories
from web.client import api as client
from web.client.api import ApiClient, ApiProblem, read_event

pytestmark = pytest.mark.usefixtures("connected")


async def test_reading_pages_one_and_a_search(make: Factories):
    newest, *_ = await make.factoids(3)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    await make.factoid("Honey never spoils.", category="food", created_at=yesterday)
    api = ApiClient()

    first = await api.factoids(sort="top", limit=2)
    second = await api.factoids(sort="top", limit=2, cursor=first.next_cursor)
    found = await api.factoids(sort="relevance", q="honey")

    assert len({factoid.id for factoid in first.items + second.items}) == 4
    assert (await api.factoid(newest)).id == newest
    assert [part.text for part in found.items[0].highlighted if part.match] == ["Honey"]
    assert (await api.today()).text
    assert len((await api.random(limit=2)).items) == 2
    food = next(item for item in (await api.categories()).items if item.category == "food")
    assert food.count == 1


async def test_a_vote_belongs_to_the_visitor_whose_cookie_it_is(make: Factories, visitor: str):
    factoid = await make.factoid()

    voted = await ApiClient(visitor, "192.0.2.1").vote(factoid.id, 1)
    mine = await ApiClient(visitor).factoid(factoid.id)
    others = await ApiClient().factoid(factoid.id)

    assert (voted.votes_up, voted.my_vote) == (1, 1)
    assert (mine.my_vote, others.my_vote) == (1, None)


async def test_a_cookie_the_api_sets_is_not_kept_for_the_next_visitor(make: Factories):
    factoid = await make.factoid()

    await ApiClient().vote(factoid.id, 1)
    again = await ApiClient().vote(factoid.id, 1)

    assert again.votes_up == 2


async def test_feedback(make: Factories, visitor: str):
    factoid = await make.factoid()
    feedback = FeedbackIn(factoid_id=factoid.id, comment="Lovely", tags=["love-it"])

    kept = await ApiClient(visitor).feedback(feedback)

    assert (kept.comment, kept.tags) == ("Lovely", ["love-it"])


async def test_a_generation_is_requested_listed_cancelled_and_followed(
    make: Factories, visitor: str
):
    await make.model()
    api = ApiClient(visitor, "192.0.2.1")

    begun = await api.generate(GenerateIn(topic="owls"))
    assert [generation.id for generation in await api.generations()] == [begun.id]
    assert (await api.models()).items[0].id == "openai/gpt-4o-mini"
    assert (await api.limits()).policies
    ended = await api.cancel(begun.id)
    events = [event async for event in api.follow_generation(begun.id)]
    rest = [event async for event in api.follow_generation(begun.id, after=events[-1].id)]

    assert (ended.status, (await api.generation(begun.id)).status) == ("cancelled", "cancelled")
    assert read_event(events[-1], GenerationProblem).code == "cancelled"
    assert rest == []


async def test_live_changes(make: Factories, visitor: str):
    factoid = await make.factoid()

    async def next_tally(events: AsyncIterator[ServerSentEvent]) -> LiveTally:
        async for event in events:
            if event.event == "tally":
                return read_event(event, LiveTally)
        raise EOFError

    # The client may join after the first vote, so votes are cast until one arrives.
    async with asyncio.timeout(10), aclosing(ApiClient().follow_live()) as events:
        next_event = asyncio.ensure_future(next_tally(events))
        for value in cycle((1, 0)):
            await ApiClient(visitor).vote(factoid.id, value)
            if (await asyncio.wait({next_event}, timeout=0.1))[0]:
                break

    assert next_event.result().factoid_id == factoid.id


async def test_a_refusal_has_the_problem_of_the_api():
    with pytest.raises(ApiProblem) as refused:
        await ApiClient().factoid(uuid4())

    assert (refused.value.problem.status, refused.value.problem.code) == (404, "factoid_not_found")


async def test_an_unreachable_api_is_a_refusal_like_any_other(connected: Litestar):
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ConnectionError

    async def unreadable(scope: object, receive: object, send: client.Any) -> None:
        await send({"type": "http.response.start", "status": 502, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    for app in (broken, unreadable, None):
        client.use_app(app)
        with pytest.raises(ApiProblem) as refused:
            await ApiClient().limits()
        assert refused.value.problem.code == "unreachable"
        with pytest.raises(ApiProblem):
            await anext(ApiClient().follow_live())


async def test_the_address_of_a_visitor_reaches_the_api():
    seen: list[httpx.Request] = []

    async def app(scope: client.Any, receive: object, send: client.Any) -> None:
        seen.append(scope["client"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"items":[]}'})

    client.use_app(app)
    await ApiClient(address="192.0.2.77").categories()

    assert seen == [("192.0.2.77", 0)]
