"""Paying, from the price to the factoid: before Stripe's stand-in, and back from it."""

import re
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter
from tests.standins.stripe import StripeStandIn

LATER = "Pay later (us bank account, takes days)"


async def go_to_stripe(buyer: Visitor) -> str:
    """Press at the prices; the name of Stripe's session whose page opens."""
    pack = buyer.page.locator('[data-product="booster_pack"]')
    await pack.get_by_role("button", name="Pay $5.00 with Stripe").click()
    await expect(buyer.page.get_by_role("heading", name="$5.00")).to_be_visible()
    return buyer.page.url.rpartition("/")[2]


async def pay(buyer: Visitor, how: str = "Pay $5.00") -> None:
    """Press at Stripe, and wait for the page that it leads back to."""
    await buyer.page.get_by_role("button", name=how, exact=True).click()
    await buyer.until_usable()


async def buy(buyer: Visitor, how: str = "Pay $5.00") -> str:
    """All of it, without a wish; the name of Stripe's session."""
    await buyer.open("/pricing")
    session = await go_to_stripe(buyer)
    await pay(buyer, how)
    return session


def payment(visitor: Visitor, status: str) -> Locator:
    return visitor.page.locator(f'#payment[data-status="{status}"]')


def marks(visitor: Visitor) -> Locator:
    return visitor.page.locator("#steps > li")


async def balances(visitor: Visitor) -> list[dict[str, Any]]:
    return (await visitor.read("/api/payments/credits"))["balances"]


async def be_refused(visitor: Visitor, topic: str) -> None:
    """Use up what is free, and press for one more."""
    await visitor.open()
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    await visitor.page.locator("#topic").fill(topic)
    await visitor.page.locator("#generate").click()
    await expect(visitor.problem).to_be_visible()


async def test_who_is_refused_may_wait_take_a_stored_one_or_buy_and_then_it_is_written(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    await be_refused(buyer, "Saturn")
    page = buyer.page
    offers = page.locator("#countdown, #vault, #buy")
    await expect(offers).to_have_text([re.compile("Next one in"), "A fact from the vault", GET])
    await expect_good_for_everybody(buyer)
    await page.locator("#buy").click()
    await expect(page.locator("#wish-topic")).to_have_value("Saturn")
    await expect(page.get_by_role("checkbox")).to_be_checked()
    await openrouter.queue("gated:12")
    await go_to_stripe(buyer)
    await pay(buyer)
    # From here nothing is pressed any more.
    await openrouter.wait_at_gate()
    await expect(marks(buyer)).to_have_text([PAID, READY, re.compile("Under way: Writing")])
    await expect(buyer.draft).to_have_text(re.compile(r"\w+ \w+"))
    begun = await buyer.draft.inner_text()
    await expect_good_for_everybody(buyer)
    await buyer.reload()
    await expect(buyer.draft).to_contain_text(begun)
    await openrouter.open()
    await expect(buyer.result).to_contain_text(begun)
    await expect(marks(buyer)).to_have_text([PAID, READY, re.compile("Done: Your factoid is")])
    await expect(page.locator("#receipt")).to_contain_text("$5.00")
    await expect_good_for_everybody(buyer)
    await buyer.reload()
    await expect(buyer.result).to_contain_text(begun)
    assert [one["left"] for one in await balances(buyer)] == [24]


GET = "Get 25 more for $5.00"
PAID, READY = re.compile(r"Done: Paid \$5\.00"), re.compile("Done: 25 new factoids ready")


async def test_one_that_is_not_delivered_gives_its_credit_back_and_says_so(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    await buyer.open("/pricing?topic=Saturn")
    await openrouter.queue("cut")
    await go_to_stripe(buyer)
    await pay(buyer)
    await expect(marks(buyer)).to_have_text([PAID, READY, re.compile("Not done: This one")])
    await expect(buyer.problem).to_contain_text("Your credit is back.")
    await expect_good_for_everybody(buyer)
    assert [one["left"] for one in await balances(buyer)] == [25]
    await buyer.open("/account")
    await expect(buyer.page.locator("#history")).to_contain_text("Not delivered, so it is yours")


async def test_while_the_models_are_down_the_buyer_is_told_that_we_go_on_trying(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    await buyer.open("/pricing?topic=Saturn")
    await openrouter.queue("402-credits")
    await go_to_stripe(buyer)
    await pay(buyer)
    await expect(buyer.stage).to_contain_text("We keep trying for an hour; your credit is safe.")
    await expect(marks(buyer).last).to_have_text(re.compile("Under way: Writing"))
    await expect_good_for_everybody(buyer)
    await expect(buyer.result).to_contain_text("Saturn")


async def test_closed_before_it_came_back_it_is_all_there_later(
    buyer: Visitor, openrouter: RunningOpenRouter, stripe_standin: StripeStandIn
):
    await buyer.open("/pricing?topic=Saturn")
    session = await go_to_stripe(buyer)
    stripe_standin.till.pay(session)
    await buyer.page.close()
    await stripe_standin.deliveries.settled()
    buyer.page = await buyer.context.new_page()
    await buyer.open("/account")
    await buyer.until_ended("succeeded")
    await buyer.page.get_by_role("link", name="Receipt").click()
    await expect(buyer.result).to_contain_text("Saturn")
    await expect(payment(buyer, "paid")).to_be_visible()


async def test_a_credit_is_used_when_it_is_pressed_for_and_never_by_the_enter_key(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    await buy(buyer)
    await expect(marks(buyer)).to_have_text([PAID, READY])
    await be_refused(buyer, "Saturn")
    credits = buyer.page.locator("#credits")
    await expect(credits).to_have_text("25 credits left")
    await buyer.page.locator("#topic").press("Enter")
    await expect(buyer.problem).to_contain_text("You have had your free factoids")
    await expect(buyer.page.locator("#buy")).to_have_count(0)
    await expect_good_for_everybody(buyer)
    assert [one["left"] for one in await balances(buyer)] == [25]
    await buyer.page.get_by_role("button", name="Use a credit (25 left)").click()
    await expect(buyer.page.locator("#maker")).to_be_focused()
    await expect(buyer.result).to_contain_text("Saturn")
    await expect(credits).to_have_text("24 credits left")


async def test_a_declined_card_may_be_followed_by_another(buyer: Visitor):
    await buyer.open("/pricing")
    await go_to_stripe(buyer)
    buyer.forgive("402")
    await buyer.page.get_by_role("button", name="Try a card that is declined").click()
    await expect(buyer.page.get_by_role("alert")).to_contain_text("declined")
    await pay(buyer)
    await expect(payment(buyer, "paid")).to_be_visible()


async def test_who_leaves_without_paying_is_charged_nothing_and_may_go_on(buyer: Visitor):
    await buyer.open("/pricing")
    await go_to_stripe(buyer)
    await buyer.page.get_by_role("link", name="Back without paying").click()
    await expect(buyer.page.locator("#cancelled")).to_contain_text("Nothing was charged")
    await expect_good_for_everybody(buyer)
    await buyer.page.locator("#pay").click()
    await pay(buyer)
    await expect(payment(buyer, "paid")).to_be_visible()
    await buyer.open(buyer.page.url.removeprefix(buyer.origin).partition("?")[0] + "/cancelled")
    await buyer.page.locator("#went-on").get_by_role("link", name="See how it stands").click()
    await expect(payment(buyer, "paid")).to_be_visible()


async def test_a_slow_payment_says_so_and_turns_by_itself_when_the_money_comes(
    buyer: Visitor, stripe_standin: StripeStandIn
):
    session = await buy(buyer, LATER)
    await expect(payment(buyer, "processing")).to_contain_text("Your bank is still thinking")
    await expect(payment(buyer, "processing")).to_contain_text("You may close this page")
    await expect_good_for_everybody(buyer)
    stripe_standin.till.succeed(session)
    await expect(payment(buyer, "paid")).to_be_visible()
    await expect(marks(buyer)).to_have_text([PAID, READY])


async def test_a_slow_payment_that_fails_is_told_with_a_way_to_try_again(
    buyer: Visitor, stripe_standin: StripeStandIn
):
    await buyer.open("/pricing?topic=Saturn")
    session = await go_to_stripe(buyer)
    await pay(buyer, LATER)
    await expect(payment(buyer, "processing")).to_be_visible()
    stripe_standin.till.fail(session)
    await expect(payment(buyer, "failed")).to_contain_text("nothing was charged")
    await expect_good_for_everybody(buyer)
    await buyer.page.get_by_role("link", name="Try again").click()
    await expect(buyer.page.locator("#wish-topic")).to_have_value("Saturn")


async def test_a_payment_nobody_made_runs_out(buyer: Visitor, stripe_standin: StripeStandIn):
    await buyer.open("/pricing")
    session = await go_to_stripe(buyer)
    await buyer.page.get_by_role("link", name="Back without paying").click()
    await expect(buyer.page.locator("#cancelled")).to_be_visible()
    await buyer.open(buyer.page.url.removeprefix(buyer.origin).removesuffix("/cancelled"))
    await expect(payment(buyer, "open")).to_contain_text("Nothing is paid yet")
    await expect_good_for_everybody(buyer)
    stripe_standin.sessions.expire(session)
    await expect(payment(buyer, "expired")).to_contain_text("nothing was charged")
    await expect_good_for_everybody(buyer)


async def test_a_promotion_code_may_pay_all_of_it(buyer: Visitor):
    await buy(buyer, "Use a 100 % promotion code")
    await expect(marks(buyer).first).to_have_text(re.compile("Paid with a promotion code"))
    assert [one["left"] for one in await balances(buyer)] == [25]


@pytest.mark.parametrize(
    ("what", "words", "in_account"),
    [
        ("refunded", "$5.00 go back the way they came", "$5.00 paid back"),
        ("disputed", "Your bank has taken the money back", "Taken back by your bank"),
    ],
)
async def test_money_that_went_back_is_told_with_what_became_of_the_credits(
    buyer: Visitor, stripe_standin: StripeStandIn, what: str, words: str, in_account: str
):
    session = await buy(buyer)
    await expect(payment(buyer, "paid")).to_be_visible()
    charge = stripe_standin.charge_of(session)
    if what == "refunded":
        stripe_standin.refunds.refund(charge)
    else:
        stripe_standin.disputes.open(charge)
    await stripe_standin.deliveries.settled()
    await buyer.reload()
    await expect(payment(buyer, what)).to_contain_text(words)
    await expect_good_for_everybody(buyer)
    await buyer.open("/account")
    await expect(buyer.page.locator("[data-payment]")).to_contain_text(in_account)
    await expect(buyer.page.locator("[data-balance]")).to_contain_text("0new factoids left")
    await expect(buyer.page.locator("#history")).to_contain_text("Gone with the money")


async def test_pressing_twice_begins_one_payment(buyer: Visitor):
    await buyer.open("/pricing")
    button = buyer.page.get_by_role("button", name="Pay $5.00 with Stripe")
    await button.dblclick()
    await expect(buyer.page.get_by_role("heading", name="$5.00")).to_be_visible()
    await buyer.open("/pricing")
    assert len((await buyer.read("/api/payments/checkouts"))["items"]) == 1


async def test_it_is_bought_with_the_keyboard_alone(buyer: Visitor):
    await buyer.open("/pricing")
    await expect(buyer.page.locator("#wish-topic")).to_be_hidden()
    await buyer.page.get_by_role("checkbox").focus()
    await buyer.page.keyboard.press("Space")
    await buyer.page.keyboard.press("Tab")
    await buyer.page.keyboard.type("owls")
    await buyer.page.keyboard.press("Tab")
    await expect(buyer.page.get_by_role("button", name="Pay $5.00 with Stripe")).to_be_focused()
    await buyer.page.keyboard.press("Enter")
    await expect(buyer.page.get_by_role("heading", name="$5.00")).to_be_visible()


@pytest.mark.parametrize("named", ["somebody else's", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"])
async def test_a_payment_that_is_not_theirs_is_a_helpful_page(
    buyer: Visitor, shop: Site, visitors: NewVisitor, named: str
):
    path = f"/checkout/{named}"
    if named.startswith("somebody"):
        await buy(buyer)
        path = buyer.page.url.removeprefix(buyer.origin)
    stranger = await visitors(at=shop)
    await stranger.open(path)
    await expect(stranger.page.locator("#missing")).to_contain_text("No such payment here")
    await expect_good_for_everybody(stranger)


async def test_the_prices_are_good_for_everybody(buyer: Visitor):
    await buyer.open("/pricing?topic=Saturn&model=openai/gpt-4o-mini")
    offers = buyer.page.locator("#offers")
    await expect(offers.get_by_role("heading", level=3)).to_have_text(
        ["Factoid Booster Pack", "Factoid Chat"]
    )
    for words in ("$5.00", "$9.00", "If it fails:", "Written by openai/gpt-4o-mini"):
        await expect(offers).to_contain_text(words)
    await expect_good_for_everybody(buyer)
    # Looking begins nothing.
    assert (await buyer.read("/api/payments/checkouts"))["items"] == []


async def test_where_payments_are_off_it_says_so_and_nothing_is_offered(
    make: Factories, spent_site: Site, visitors: NewVisitor
):
    await make.factoid()
    visitor = await visitors(at=spent_site)
    await visitor.open("/pricing")
    await expect(visitor.page.locator("#payments-off")).to_contain_text("switched off")
    await expect(visitor.page.locator("#offers").get_by_role("button")).to_have_count(0)
    await expect_good_for_everybody(visitor)
    await visitor.open()
    await visitor.page.locator("#generate").click()
    await expect(visitor.page.locator("#vault")).to_be_visible()
    await expect(visitor.page.locator("#buy, #use-credit")).to_have_count(0)
