"""Asking about a factoid on its own page: the panel there, and what it says when there is none."""

import re

import pytest
from playwright.async_api import expect

from db.session import Database
from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site
from tests.e2e.test_chat import WRITING, answers, ask
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter

HONEY = "Honey never spoils in a jar."


@pytest.fixture
async def honey(make: Factories) -> str:
    """The address of a factoid."""
    return f"/f/{(await make.factoid(HONEY, subject='Honey')).id}"


async def test_a_question_is_asked_beside_the_fact_and_its_answer_outlives_a_reload(
    honey: str, openrouter: RunningOpenRouter, visitor: Visitor
):
    page = visitor.page
    await visitor.open(honey)
    await expect(page.locator("#price")).to_contain_text("at most $0.")
    await expect(page.locator("#left")).to_have_text("10 free messages left")
    await expect_good_for_everybody(visitor)
    await page.get_by_role("button", name="Is this really true?").click()
    await expect(page.locator("#say")).to_be_focused()
    await openrouter.call(("search_factoids", {"query": "honey"}))
    await openrouter.say("It **keeps** for ages [1].", held=True)
    await page.keyboard.press("Enter")
    await openrouter.wait_at_gate()
    await expect(page.locator(WRITING)).to_contain_text("It keeps for ages [1]")
    await expect(page.locator("[data-suggestion]")).to_have_count(0)
    assert page.url.endswith(honey)
    begun = await page.locator(WRITING).inner_text()
    await expect_good_for_everybody(visitor)

    await visitor.reload()
    await expect(page.locator(WRITING)).to_have_text(begun)
    await openrouter.open()
    await expect(answers(page)).to_contain_text("It keeps for ages [1].")
    await expect(page.locator('[data-said="you"]')).to_contain_text("Is this really true?")
    await expect(answers(page).locator("details")).to_contain_text("Search our factoids")
    cited = answers(page).get_by_role("link", name="[1]")
    await expect(cited).to_have_attribute("href", honey)
    await expect(page.locator("#meter")).to_contain_text("tokens left")
    await expect_good_for_everybody(visitor)

    await page.locator("#open-chat").click()
    await page.wait_for_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    await expect(answers(page)).to_contain_text("It keeps for ages [1].")


async def test_an_answer_beside_the_fact_is_stopped_and_the_next_one_asked(
    honey: str, openrouter: RunningOpenRouter, visitor: Visitor
):
    await openrouter.queue("gated:4")
    await visitor.open(honey)
    await ask(visitor, "Why?")
    await openrouter.wait_at_gate()
    await expect(visitor.page.locator(WRITING)).to_have_text(re.compile(r"\w+ \w+"))
    await visitor.page.locator("#stop").click()
    await expect(answers(visitor.page).locator("[data-ended]")).to_contain_text("Stopped")
    await openrouter.say("Because.")
    await ask(visitor, "Why, again?")
    await expect(answers(visitor.page).last).to_contain_text("Because.")
    chats = await visitor.read("/api/chats")
    assert len(chats["items"]) == 1


async def test_each_fact_has_a_talk_of_its_own(
    honey: str, make: Factories, openrouter: RunningOpenRouter, visitor: Visitor
):
    other = await make.factoid("Wombats have cubes.")
    await openrouter.say("Because.")
    await visitor.open(honey)
    await ask(visitor, "Why?")
    await expect(answers(visitor.page)).to_contain_text("Because.")
    await visitor.open(f"/f/{other.id}")
    await expect(visitor.page.locator("[data-suggestion]")).to_have_count(3)
    await expect(visitor.page.locator("[data-said]")).to_have_count(0)


async def test_a_long_talk_scrolls_in_its_panel_and_leaves_the_box_in_sight(
    honey: str, openrouter: RunningOpenRouter, visitor: Visitor
):
    page = visitor.page
    await openrouter.say("\n\n".join(f"{n} bees dance." for n in range(60)))
    await page.set_viewport_size({"width": 360, "height": 740})
    await visitor.open(honey)
    await ask(visitor, "What do bees do?")
    await expect(answers(page)).to_contain_text("59 bees dance.")
    await expect(answers(page).get_by_text("59 bees dance.")).to_be_in_viewport()
    await expect(page.locator("#say")).to_be_in_viewport()
    await expect(page.locator("#latest")).to_have_count(0)
    await page.locator("#talk-pane").evaluate("one => one.scrollTo(0, 0)")
    await page.locator("#latest").click()
    await expect(answers(page).get_by_text("59 bees dance.")).to_be_in_viewport()
    await expect_good_for_everybody(visitor)


async def test_without_a_model_it_says_so_and_keeps_the_words(
    honey: str, openrouter: RunningOpenRouter, visitor: Visitor, database: Database
):
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("DELETE FROM language_models")
    for address in (honey, "/chat"):
        await visitor.open(address)
        await expect(visitor.page.locator("#price")).to_contain_text("No language model is avail")
        await ask(visitor, "Why?")
        await expect(visitor.problem).to_contain_text("All our overlords are out")
        await expect(visitor.page.locator("#countdown")).to_contain_text("Next one in")
        await expect(visitor.page.locator("#buy, #vault")).to_have_count(0)
        await expect_good_for_everybody(visitor)
        await visitor.reload()
        await expect(visitor.page.locator("#say")).to_have_value("Why?")


async def test_without_money_it_says_until_when_to_wait_and_what_there_is_meanwhile(
    honey: str,
    make: Factories,
    openrouter: RunningOpenRouter,
    spent_site: Site,
    visitors: NewVisitor,
):
    for number in range(10):
        await make.factoid(f"Wombat {number} has cubes.")
    visitor = await visitors(at=spent_site)
    await visitor.open(honey)
    await ask(visitor, "Why?")
    await expect(visitor.problem).to_contain_text("Today's money for chatting is spent")
    await expect(visitor.page.locator("#countdown")).to_contain_text("Next one in")
    # Nothing is sold here.
    await expect(visitor.page.locator("#buy")).to_have_count(0)
    await expect_good_for_everybody(visitor)
    await visitor.page.locator("#vault").click()
    await expect(visitor.page.locator("#from-the-vault")).to_be_visible()
    await expect_good_for_everybody(visitor)


async def test_every_card_leads_to_where_it_is_asked_about(
    honey: str, make: Factories, openrouter: RunningOpenRouter, visitor: Visitor
):
    for number in range(5):
        await make.factoid(f"Wombat {number} has cubes.")
    await visitor.open()
    card = visitor.card(honey.removeprefix("/f/"))
    await card.open_details()
    await card.details.get_by_role("link", name="Ask our overlords").click()
    await visitor.page.wait_for_url(f"**{honey}#ask")
    await expect(visitor.page.get_by_role("heading", name="Ask about this")).to_be_in_viewport()
    await expect(visitor.page.get_by_role("link", name="Ask our overlords")).to_have_count(0)
