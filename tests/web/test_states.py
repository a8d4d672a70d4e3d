"""The states' events: any browser may send any of them, with any arguments."""

from typing import Any
from uuid import uuid4

import pytest
import reflex as rx

from tests.factories import Factories
from tests.web.conftest import state_of, told
from web.client import use
from web.generate import Generate
from web.pages.factoid import Shown
from web.pages.feed import PAGE, Feed
from web.votes import Votes

pytestmark = pytest.mark.usefixtures("connected")

NONSENSE: list[Any] = [None, "", "x", -5, 10**30, 1.5, True, [], {}, {"a": [1]}, "1; drop table"]


async def drained(events: Any) -> list[Any]:
    return [event async for event in events]


async def load_more(feed: Any, *seen: Any) -> list[Any]:
    return await drained(feed.more(*seen))


async def test_the_feed_shows_what_its_address_says(make: Factories, visitor: str):
    await make.factoids(PAGE + 5)
    honey = await make.factoid("Honey never spoils.", category="food")

    everything = state_of(Feed, visitor)
    await everything.open()
    food = state_of(Feed, visitor, "/?category=food&q=honey")
    await food.open()

    assert (everything.count, everything.ended, len(everything.c0)) == (1, False, PAGE)  # pyright: ignore[reportAttributeAccessIssue]
    assert [card.id for card in food.c0] == [str(honey.id)]  # pyright: ignore[reportAttributeAccessIssue]
    assert (food.category, food.q, food.ended) == ("food", "honey", True)


async def test_more_adds_one_page_and_ends_at_the_end(make: Factories):
    await make.factoids(PAGE + 5)
    feed = state_of(Feed)
    await feed.open()

    await load_more(feed)
    await load_more(feed)

    shown = feed.c0 + feed.c1  # pyright: ignore[reportAttributeAccessIssue]
    assert len({card.id for card in shown}) == PAGE + 5
    assert (feed.count, feed.ended, feed.loading_more) == (2, True, False)


async def test_a_reload_finds_as_many_pages_as_there_were(make: Factories):
    await make.factoids(2 * PAGE + 1)
    feed = state_of(Feed)
    feed.reach = "2 /"

    await feed.open()

    assert (feed.count, feed.ended) == (2, False)


async def test_a_feed_without_an_api_says_so_and_recovers(connected: Any, make: Factories):
    await make.factoid()
    feed = state_of(Feed)

    use(None)
    await feed.open()
    assert feed.problem
    assert feed.ready

    use(connected)
    await feed.open()
    assert (feed.problem, feed.count) == ("", 1)


@pytest.mark.parametrize("visible", NONSENSE)
async def test_more_ignores_what_is_no_sight(visible: Any):
    feed = state_of(Feed)

    if visible is not True:
        assert await load_more(feed, visible) == []


async def test_a_vote_is_made_true_and_a_refused_one_taken_back(make: Factories, visitor: str):
    factoid = await make.factoid()
    votes = state_of(Votes, visitor)

    counted = told(await votes.vote(str(factoid.id), 1))
    refused = told(await votes.vote(str(uuid4()), 1))

    assert f'factoids.patch("{factoid.id}", {{"up": 1, "down": 0, "mine": 1}})' in counted
    assert "factoids.undo(" in refused


@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_votes_do_nothing(make: Factories, value: Any):
    factoid = await make.factoid()
    votes = state_of(Votes)

    assert await votes.vote(value, 1) is None
    assert await votes.vote(str(factoid.id), value) is None


@pytest.mark.parametrize("value", NONSENSE)
async def test_nonsense_feedback_and_shares_do_nothing(make: Factories, value: Any):
    factoid = await make.factoid()
    votes = state_of(Votes)

    await votes.send_feedback(value)
    await votes.send_feedback({"factoid_id": value, "comment": "hello"})
    await votes.send_feedback({"factoid_id": str(factoid.id), "comment": value})
    assert votes.shared(value) is None


async def test_feedback_is_kept_and_a_refusal_said(make: Factories, visitor: str):
    factoid = await make.factoid()
    votes = state_of(Votes, visitor)
    form = {"factoid_id": str(factoid.id), "comment": "Hm.", "tag-boring": "on", "tag-x": "on"}

    assert "taking notes" in told(await votes.send_feedback(form))
    assert "taking notes" not in told(await votes.send_feedback(form | {"comment": "x" * 2_000}))


async def test_the_page_of_a_factoid(make: Factories):
    factoid, other = await make.factoid(subject="Venus"), await make.factoid()
    shown = state_of(Shown, path=f"/f/{factoid.id}")

    await shown.open()

    assert [card.id for card in shown.cards] == [str(factoid.id)]
    assert [card.id for card in shown.others] == [str(other.id)]
    assert shown.title.startswith("Venus")


@pytest.mark.parametrize("name", [str(uuid4()), "nonsense", "", "x/y"])
async def test_the_page_of_no_factoid_still_helps(make: Factories, name: str):
    other = await make.factoid()
    shown = state_of(Shown, path=f"/f/{name}")

    await shown.open()

    assert (shown.missing, shown.cards) == (True, [])
    assert [card.id for card in shown.others] == [str(other.id)]


async def test_browsers_can_call_nothing_but_the_events_of_the_pages():
    callable_by_browsers = {
        f"{state.__name__}.{name}"
        for state in (Feed, Shown, Votes, Generate)
        for name in state.event_handlers
        if name not in rx.State.event_handlers
    }

    assert callable_by_browsers == {
        "Feed.open",
        "Feed.more",
        "Shown.open",
        "Votes.vote",
        "Votes.send_feedback",
        "Votes.shared",
        "Generate.open",
        "Generate.resume",
        "Generate.start",
        "Generate.cancel",
        "Generate.dismiss",
    }
