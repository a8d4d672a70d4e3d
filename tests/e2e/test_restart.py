"""The server goes away and comes back under open pages."""

import re

from playwright.async_api import expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.stack import Site
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter

LOST = r"WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE|net::ERR_|Failed to load resource"


async def test_an_open_page_says_it_is_offline_and_catches_up_by_itself(
    make: Factories, site: Site, visitor: Visitor
):
    ids = await make.factoids(45)
    visitor.forgive(LOST)
    await visitor.open()
    await visitor.cards.last.scroll_into_view_if_needed()
    await expect(visitor.cards).to_have_count(40)
    await site.restart_begins()
    offline = visitor.page.locator("#offline")
    try:
        await expect(offline).to_contain_text("You are offline")
        # What is there can still be read, and a vote is sent when it can be.
        await visitor.card(ids[3]).vote(1)
        await visitor.card(ids[3]).expect_votes(up=1, down=0, mine=1)
        news = await make.factoid("Written while nobody was looking.")
    finally:
        await site.start()
    await expect(offline).to_have_count(0)
    await visitor.expect_shown(news.id, *ids[:39])
    await visitor.until_saved(ids[3], up=1, down=0)
    await visitor.card(ids[3]).expect_votes(up=1, down=0, mine=1)


async def test_a_fact_being_written_is_watched_to_its_end_through_a_restart(
    openrouter: RunningOpenRouter, site: Site, visitor: Visitor
):
    visitor.forgive(LOST)
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.generate("Saturn")
    await openrouter.wait_at_gate()
    await expect(visitor.draft).to_have_text(re.compile(r"\w+ \w+"))
    begun = await visitor.draft.inner_text()
    await site.restart_begins()
    await expect(visitor.page.locator("#offline")).to_be_visible()
    await site.start()
    await expect(visitor.page.locator("#offline")).to_have_count(0)
    await expect(visitor.draft).to_contain_text(begun)
    await openrouter.open()
    await expect(visitor.result).to_contain_text(begun)


async def test_live_changes_arrive_again_after_a_restart(
    make: Factories, site: Site, visitors: NewVisitor
):
    reader, voter = await visitors(), await visitors()
    factoid = await make.factoid()
    reader.forgive(LOST)
    await reader.open("/?sort=top")
    await site.restart_begins()
    await expect(reader.page.locator("#offline")).to_be_visible()
    await site.start()
    await expect(reader.page.locator("#offline")).to_have_count(0)
    await voter.open(f"/f/{factoid.id}")
    await voter.card(factoid.id).vote(1)
    await reader.card(factoid.id).expect_votes(up=1, down=0)
