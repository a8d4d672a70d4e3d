"""Paying, from the price to the factoid: before Stripe's stand-in, and back from it."""

import re
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site, running_site
from tests.paying import started_stripe, stripe_standin
from tests.shopping import selling
from tests.standins.openrouter.running import RunningOpenRouter
from tests.standins.stripe import StripeStandIn

__all__ = ["started_stripe", "stripe_standin"]


@pytest.fixture(scope="module")
async def selling_stack(
    stack: Site, model_server: RunningOpenRouter, started_stripe: StripeStandIn
) -> AsyncGenerator[Site]:
    async with running_site(
        OPENROUTER_BASE_URL=model_server.base_url,
        GENERATE_LIMITS="1/3600",
        **selling(started_stripe),
    ) as site:
        yield site


@pytest.fixture
async def shop(selling_stack: Site, site: Site, stripe_standin: StripeStandIn) -> Site:
    """A site that sells, and hears from Stripe at once."""
    stripe_standin.deliveries.url = f"{selling_stack.origin}/api/payments/webhook"
    stripe_standin.deliveries.manner = "at once"
    return selling_stack


@pytest.fixture
async def buyer(shop: Site, stripe_standin: StripeStandIn, visitors: NewVisitor) -> Visitor:
    """A visitor of the shop; Stripe's page is the only other one they meet."""
    visitor = await visitors(at=shop)
    visitor.forgive(f"^foreign: {stripe_standin.base_url}")
    return visitor


async def go_and_pay(buyer: Visitor, how: str = "Pay $5.00") -> None:
    """Press at the prices, then at Stripe; wait for the page they come back to."""
    await (
        buyer.page.locator('[data-product="booster_pack"]')
        .get_by_role("button", name="Pay $5.00 with Stripe")
        .click()
    )
    await buyer.page.get_by_role("button", name=how, exact=True).click()
    await buyer.until_usable()


async def test_what_was_wished_is_written_as_soon_as_it_is_paid(
    buyer: Visitor, openrouter: RunningOpenRouter
):
    await buyer.open("/pricing?topic=Saturn")
    await openrouter.queue("gated:12")
    await go_and_pay(buyer)
    await openrouter.wait_at_gate()
    await expect(marks(buyer)).to_have_text(
        [re.compile("Done: Paid \\$5.00"), re.compile("Done: 25 new"), re.compile("Under way: ")]
    )
    await expect(buyer.draft).to_have_text(re.compile(r"\w+ \w+"))
    begun = await buyer.draft.inner_text()
    await expect_good_for_everybody(buyer)
    # Reloading and coming back changes nothing.
    await buyer.reload()
    await expect(buyer.draft).to_contain_text(begun)
    await openrouter.open()
    await expect(buyer.result).to_contain_text(begun)
    await expect(marks(buyer).last).to_have_text(re.compile("Done: Your factoid is written"))
    await expect(buyer.page.locator("#receipt")).to_contain_text("$5.00")
    await expect_good_for_everybody(buyer)
    await buyer.reload()
    await expect(buyer.result).to_contain_text(begun)
    assert [one["left"] for one in await balances(buyer)] == [24]


def marks(visitor: Visitor) -> Locator:
    return visitor.page.locator("#steps > li")


async def balances(visitor: Visitor) -> list[dict[str, Any]]:
    return (await visitor.read("/api/payments/credits"))["balances"]
