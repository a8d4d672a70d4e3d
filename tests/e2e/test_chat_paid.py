"""When the free messages end: waiting, or buying some more and going on with the same question."""

import re

import pytest
from playwright.async_api import expect
from sqlalchemy import select

from db.models import ChatSession
from db.session import Database
from domain.spending.credits import MESSAGES
from tests.credit_account import Account
from tests.e2e.browser import PATIENCE_S, Visitor, Wire
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.test_chat import answers, ask
from tests.e2e.test_payments import balances, pay
from tests.factories import Factories
from tests.processes import until
from tests.standins.openrouter.running import RunningOpenRouter

CHAT = re.compile(r"/chat/[0-9a-f-]{36}$")
OFFERS = [re.compile("Next one in"), "A fact from the vault", "Get 200 messages for $9.00"]
REFRESHED = "chat_state.refresh"
QUESTION = "And what do wasps do?"


async def use_up(buyer: Visitor, openrouter: RunningOpenRouter, address: str = "/chat") -> None:
    """Have the one free message answered."""
    await openrouter.say("They dance.")
    await buyer.open(address)
    await expect(buyer.page.locator("#left")).to_have_text("1 free message left")
    await ask(buyer, "What do bees do?")
    await expect(answers(buyer.page)).to_contain_text("They dance.")
    await expect(buyer.page.locator("#left")).to_have_text("0 free messages left")


async def be_refused(buyer: Visitor) -> None:
    await ask(buyer, QUESTION)
    await expect(buyer.page.locator("#countdown, #vault, #buy")).to_have_text(OFFERS)
    await expect(buyer.page.locator("#say")).to_have_value(QUESTION)


async def buy_messages(buyer: Visitor) -> None:
    """From the refusal to the page that Stripe leads back to."""
    page = buyer.page
    await page.locator("#buy").click()
    await expect(page.locator("#offers form h3")).to_have_text(
        ["Factoid Chat", "Factoid Booster Pack"]
    )
    await page.get_by_role("button", name="Pay $9.00 with Stripe").click()
    await expect(page.get_by_role("heading", name="$9.00")).to_be_visible()
    await pay(buyer, "Pay $9.00")
    await expect(page.locator("#steps > li").last).to_contain_text("200 chat messages ready")


async def test_who_is_refused_buys_comes_back_and_has_the_same_question_answered(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    page = buyer.page
    await use_up(buyer, openrouter)
    here = page.url
    assert CHAT.search(here)
    await be_refused(buyer)
    await expect_good_for_everybody(buyer)
    await buy_messages(buyer)
    await expect_good_for_everybody(buyer)

    await page.get_by_role("link", name="Back to your question").click()
    await page.wait_for_url(here)
    await expect(page.locator("#say")).to_have_value(QUESTION)
    await expect(buyer.problem).to_have_count(0)
    await expect(page.locator("#left")).to_have_text("0 free messages left · 200 paid for")
    await openrouter.say("They do not dance.")
    await page.locator("#say").press("Enter")
    await expect(answers(page).last).to_contain_text("They do not dance.")
    await expect(page.locator("#left")).to_have_text("0 free messages left · 199 paid for (1 used)")
    await expect(page.locator("#say")).to_have_value("")
    await expect_good_for_everybody(buyer)
    assert [(one["product"], one["used"]) for one in await balances(buyer)] == [("chat", 1)]


@pytest.mark.parametrize("place", ["beside the fact", "before there is a chat"])
async def test_the_way_back_leads_to_where_it_was_asked(
    buyer: Visitor, openrouter: RunningOpenRouter, make: Factories, place: str
):
    page = buyer.page
    honey = f"/f/{(await make.factoid('Honey never spoils.')).id}"
    await use_up(buyer, openrouter)
    address = honey if place == "beside the fact" else "/chat"
    await buyer.open(address)
    await be_refused(buyer)
    # Trying again begins no second chat.
    await page.keyboard.press("Enter")
    await be_refused(buyer)
    assert len((await buyer.read("/api/chats"))["items"]) == 2
    await expect_good_for_everybody(buyer)
    await buy_messages(buyer)
    await page.get_by_role("link", name="Back to your question").click()
    await page.wait_for_url(f"{buyer.origin}{address}")
    await expect(page.locator("#say")).to_have_value(QUESTION)
    await openrouter.say("They do not dance.")
    await page.locator("#say").press("Enter")
    await expect(answers(page).last).to_contain_text("They do not dance.")
    assert len((await buyer.read("/api/chats"))["items"]) == 2


async def test_who_leaves_stripe_without_paying_finds_the_question_again(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    page = buyer.page
    await use_up(buyer, openrouter)
    here = page.url
    await be_refused(buyer)
    await page.locator("#buy").click()
    await page.get_by_role("button", name="Pay $9.00 with Stripe").click()
    await page.get_by_role("link", name="Back without paying").click()
    await expect(page.locator("#cancelled")).to_contain_text("Nothing was charged")
    await page.locator("#to-talk").click()
    await page.wait_for_url(here)
    await expect(page.locator("#say")).to_have_value(QUESTION)
    await expect(page.locator("#price")).to_contain_text("1 message per hour at most")


async def test_the_prices_say_what_credits_do_in_the_chat_and_lead_there(buyer: Visitor):
    await buyer.open("/pricing")
    offer = buyer.page.locator('[data-product="chat"]')
    await expect(offer).to_contain_text("Each credit pays for one message")
    await offer.get_by_role("link", name="Ask our overlords").click()
    await expect(buyer.page.locator("#say")).to_be_visible()


async def test_a_refusal_outlasts_a_reload_and_what_is_left_is_looked_up_when_it_should_end(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    wire = await Wire.of(buyer.page)
    await use_up(buyer, openrouter)
    await be_refused(buyer)
    await buyer.reload()
    await expect(buyer.page.locator("#countdown, #vault, #buy")).to_have_text(OFFERS)
    await expect(buyer.page.locator("#say")).to_have_value(QUESTION)

    async def looked_once() -> bool:
        return sum(REFRESHED in message for message in wire.sent) == 1

    assert not await looked_once()
    # As far as this browser knows it is over; the API knows better.
    await buyer.page.evaluate("factoids.wait(1)")
    await until(looked_once, "a look at what is left", within_s=PATIENCE_S)
    await expect(buyer.page.locator("#countdown")).to_have_text(OFFERS[0])
    await expect(buyer.page.locator("#say")).to_have_value(QUESTION)


async def test_a_refusal_is_over_when_there_may_be_an_answer_again(
    buyer: Visitor, openrouter: RunningOpenRouter, database: Database
):
    await use_up(buyer, openrouter)
    await be_refused(buyer)
    async with database.sessions() as session:
        owner = await session.scalar(select(ChatSession.owner_id))
    await Account(database, owner, product=MESSAGES).buy(1)
    await buyer.page.evaluate("factoids.wait(1)")
    await expect(buyer.problem).to_have_count(0)
    await expect(buyer.page.locator("#left")).to_have_text("0 free messages left · 1 paid for")
    await expect(buyer.page.locator("#say")).to_have_value(QUESTION)


async def test_a_fact_from_the_vault_stays_on_the_page_where_it_was_asked_for(
    buyer: Visitor, openrouter: RunningOpenRouter, make: Factories
):
    found = buyer.page.locator("#from-the-vault")
    honey = await make.factoid("Honey never spoils.")
    await use_up(buyer, openrouter)
    await be_refused(buyer)
    await buyer.page.locator("#vault").click()
    await expect(found).to_contain_text("Honey never spoils.")
    await buyer.page.get_by_role("link", name="All chats").click()
    await expect(buyer.page.locator("#chats")).to_be_visible()
    await expect(found).to_have_count(0)
    await buyer.open(f"/f/{honey.id}")
    await expect(found).to_have_count(0)
