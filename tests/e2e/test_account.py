"""What was bought, and being the same visitor in another browser."""

import re

from playwright.async_api import expect

from tests.e2e.browser import Visitor, Wire
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site
from tests.e2e.test_keys import CLOSING, make_key
from tests.e2e.test_payments import balances, be_refused, buy
from tests.standins.openrouter.running import RunningOpenRouter

LINK = re.compile(r"/recover#[!-~]{40,}$")


async def make_link(visitor: Visitor) -> str:
    """Make a recovery link on the page, and read it as a person would."""
    await visitor.open("/account")
    await visitor.page.locator("#make-link").click()
    await expect(visitor.page.locator("#recovery-link")).to_be_focused()
    address = visitor.page.locator("#recovery-address")
    await expect(address).to_have_text(LINK)
    return await address.inner_text()


async def follow(visitor: Visitor, link: str) -> None:
    await visitor.open(link.removeprefix(visitor.origin))


async def test_the_account_shows_what_is_left_and_how_it_came_about(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    await buyer.open("/account")
    await expect(buyer.page.locator("#no-credits")).to_be_visible()
    await expect_good_for_everybody(buyer)
    await buy(buyer)
    await be_refused(buyer, "Saturn")
    await buyer.page.locator("#use-credit").click()
    await expect(buyer.result).to_contain_text("Saturn")
    await buyer.page.locator("#credits").click()
    page = buyer.page
    await expect(page.locator("[data-balance]")).to_contain_text("25 bought, 1 used")
    history = page.locator("#history li")
    await expect(history).to_have_text(
        [
            re.compile("^Delivered.*24 left$"),
            re.compile("^Set aside.*−124 left$"),
            re.compile(r"^Bought.*\+2525 left$"),
        ]
    )
    await expect(page.locator("[data-payment]")).to_contain_text("$5.00")
    await expect_good_for_everybody(buyer)
    await page.get_by_role("link", name="Receipt").click()
    await expect(page.locator("#receipt")).to_contain_text("Factoid Booster Pack: 25 new factoids")


async def test_a_recovery_link_brings_the_credits_to_another_browser(
    buyer: Visitor, shop: Site, visitors: NewVisitor
):
    await buy(buyer)
    link = await make_link(buyer)
    await expect_good_for_everybody(buyer)
    token = link.partition("#")[2]
    other = await visitors(at=shop)
    wire = await Wire.of(other.page)
    asked: list[str] = []
    other.page.on("request", lambda request: asked.append(request.url))
    await follow(other, link)
    await expect(other.page).to_have_url(f"{shop.origin}/recover")
    await expect(other.page.locator("#leaves")).to_contain_text("no credits and no keys")
    await expect_good_for_everybody(other)
    assert await balances(other) == []
    # A reload does not lose it; nothing happens without a press.
    await other.reload()
    await other.page.locator("#recover").click()
    await other.page.wait_for_url(f"{shop.origin}/account")
    await other.until_usable()
    await expect(other.page.locator("[data-balance]")).to_contain_text("25")
    # What identifies them went to nobody but the one call that needs it.
    assert token not in "".join([*wire.sent, *asked])
    # Both are the same now; the link was shown once.
    await buyer.reload()
    await expect(buyer.page.locator("[data-balance]")).to_contain_text("25")
    assert token not in await buyer.page.content()


async def test_who_leaves_something_behind_is_told_and_gets_the_way_back(
    buyer: Visitor, shop: Site, visitors: NewVisitor
):
    await buy(buyer)
    link = await make_link(buyer)
    other = await visitors(at=shop)
    await other.open("/keys")
    await make_key(other, "Robot")
    await follow(other, link)
    await expect(other.page.locator("#leaves")).to_contain_text("This browser has 1 API key now.")
    await expect_good_for_everybody(other)
    await other.page.locator("#recover").click()
    back = other.page.locator("#recovery-address")
    await expect(back).to_have_text(LINK)
    await expect_good_for_everybody(other)
    way_back = await back.inner_text()
    await other.page.get_by_role("button", name="I have it").click()
    await other.page.wait_for_url(f"{shop.origin}/account")
    await other.until_usable()
    await expect(other.page.locator("[data-balance]")).to_contain_text("25")
    await follow(other, way_back)
    await expect(other.page.locator("#leaves")).to_contain_text("This browser has 25 credits now.")
    await other.page.locator("#recover").click()
    await expect(back).to_have_text(LINK)
    await other.open("/keys")
    await expect(other.page.locator("#keys [data-key]")).to_contain_text("Robot")


async def test_a_link_that_leads_nowhere_says_so(buyer: Visitor):
    buyer.forgive("401")
    await buyer.open("/recover")
    await expect(buyer.page.locator("#incomplete")).to_contain_text("not complete")
    await expect_good_for_everybody(buyer)
    # Into the page that is open: no document is loaded for it.
    await follow(buyer, "/recover#cut.short")
    await buyer.page.locator("#recover").click()
    await expect(buyer.page.locator("#refused")).to_contain_text("leads nowhere")
    await expect_good_for_everybody(buyer)


async def test_the_recovery_link_is_copied_and_put_away(shop: Site, visitors: NewVisitor):
    visitor = await visitors(at=shop, permissions=["clipboard-read", "clipboard-write"])
    link = await make_link(visitor)
    await visitor.page.locator("#copy-link").click()
    await expect(visitor.toast).to_contain_text("Copied")
    assert await visitor.page.evaluate("navigator.clipboard.readText()") == link
    await visitor.page.locator("#forget-link").click()
    await expect(visitor.page.locator("#recovery-link")).to_have_count(0)


async def test_signing_out_everywhere_keeps_what_was_bought_and_ends_the_links(
    buyer: Visitor, shop: Site, visitors: NewVisitor
):
    await buy(buyer)
    link = await make_link(buyer)
    await buyer.open("/keys")
    buyer.forgive(CLOSING)
    await buyer.page.get_by_role("button", name="Sign out everywhere").click()
    await buyer.page.get_by_role("button", name="Sign out", exact=True).click()
    await buyer.page.wait_for_url(buyer.origin + "/")
    await buyer.until_usable()
    await buyer.open("/account")
    await expect(buyer.page.locator("[data-balance]")).to_contain_text("25")
    thief = await visitors(at=shop)
    thief.forgive("401")
    await follow(thief, link)
    await thief.page.locator("#recover").click()
    await expect(thief.page.locator("#refused")).to_contain_text("leads nowhere")
