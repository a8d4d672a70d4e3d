"""Whoever asks knows beforehand how much is left, what one costs, and what to do without."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Visitor, Wire
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site
from tests.e2e.test_generate import completions
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter

COUNTING = re.compile(r"Next in (1:00|0:[1-5]\d)")
REFRESHED = "allowance____allowance_state.refresh"


async def test_what_is_left_is_shown_and_counts_down_by_itself(
    frugal_site: Site, visitors: NewVisitor
):
    visitor = await visitors(at=frugal_site)
    wire = await Wire.of(visitor.page)
    await visitor.page.clock.install()
    await visitor.open()
    limits, button = visitor.page.locator("#limits"), visitor.page.locator("#generate")
    await expect(limits).to_have_text("Free for you: 1 this minute, 3 this hour, 20 today.")
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    await expect(limits).to_have_text(
        re.compile(r"Free for you: 0 this minute \(more in [01]:\d\d\), 2 this hour, 19 today\.")
    )
    await expect(button).to_have_text(COUNTING)
    looked = asked_what_is_left(wire)
    before = await button.inner_text()
    await expect(button).not_to_have_text(before)
    await visitor.page.clock.fast_forward(5_000)
    await expect(button).to_have_text(COUNTING)
    # The counting is the browser's: nobody was asked meanwhile.
    assert asked_what_is_left(wire) == looked
    await visitor.page.clock.fast_forward("01:01")
    # Now it was, once: by the server's clock the minute is not over.
    await expect(button).to_have_text(COUNTING)
    assert asked_what_is_left(wire) == looked + 1


def asked_what_is_left(wire: Wire) -> int:
    return sum(REFRESHED in message for message in wire.sent)


async def test_who_presses_too_early_is_told_when_and_offered_the_vault(
    make: Factories, frugal_site: Site, openrouter: RunningOpenRouter, visitors: NewVisitor
):
    await make.factoid("Sharks are older than trees.")
    stored = await make.factoid("Owls swallow their prey whole.")
    visitor = await visitors(at=frugal_site)
    await visitor.open("/?q=sharks")
    await visitor.generate("owls")
    await expect(visitor.result).to_be_visible()
    await expect(visitor.page.locator("#generate")).to_have_text(COUNTING)
    await visitor.page.locator("#generate").click()
    await expect(visitor.problem).to_contain_text("You have had your free factoids for now")
    await expect(visitor.page.locator("#countdown")).to_have_text(
        re.compile(r"Next one in (1:00|0:\d\d)")
    )
    await visitor.page.locator("#vault").click()
    found = visitor.page.locator("#from-the-vault")
    await expect(found).to_contain_text("Owls swallow their prey whole.")
    card = visitor.card(stored.id, within="#from-the-vault")
    await card.vote(1)
    await card.expect_votes(up=1, down=0, mine=1)
    assert len(completions(await openrouter.log())) == 1
    # Having met it, there is nothing else about owls; what was found stays.
    await visitor.page.locator("#vault").click()
    await expect(visitor.toast).to_be_visible()
    await expect(found).to_be_visible()
    await expect_good_for_everybody(visitor)


async def test_a_refusal_by_the_server_says_the_same(frugal_site: Site, visitors: NewVisitor):
    visitor = await visitors(at=frugal_site)
    await visitor.page.clock.install()
    await visitor.open()
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    await visitor.page.locator("#topic").press("Enter")
    await expect(visitor.problem).to_contain_text("You have had your free factoids for now")
    await expect(visitor.page.locator("#vault")).to_be_visible()
    countdown = visitor.page.locator("#countdown")
    await expect(countdown).to_have_text(re.compile(r"Next one in (1:00|0:\d\d)"))
    await visitor.page.clock.fast_forward("01:01")
    await expect(countdown).to_have_text("You can go again now.")


async def test_a_neighbour_in_the_same_network_knows_it_from_the_start(
    frugal_site: Site, openrouter: RunningOpenRouter, visitors: NewVisitor
):
    first, second = await visitors(at=frugal_site), await visitors(at=frugal_site)
    await first.open()
    await first.generate()
    await expect(first.result).to_be_visible()
    await second.open()
    await expect(second.page.locator("#generate")).to_have_text(COUNTING)
    await second.page.locator("#generate").click()
    await expect(second.problem).to_contain_text("You have had your free factoids for now")
    assert len(completions(await openrouter.log())) == 1


async def test_what_one_costs_is_quoted_for_the_chosen_model(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open()
    quote = visitor.page.locator("#quote")
    await expect(quote).to_contain_text(re.compile(r"At most [\d.]+ US cents"))
    await expect(quote).to_contain_text("Nobody knows yet how long it takes")
    await expect(quote).to_contain_text("Leaves you 999 this minute, 999 this hour")
    await visitor.page.locator("#options").click()
    said: set[str] = set()
    for model in ("openai/gpt-4o-mini", "openai/gpt-4.1-nano"):
        await visitor.page.get_by_label("Model").select_option(model)
        name = "Mini" if "mini" in model else "Nano"
        await expect(quote).to_contain_text(f"{name}: at most", ignore_case=True)
        said.add(await quote.inner_text())
    assert len(said) == 2
    await visitor.generate("Venus")
    await expect(visitor.result).to_be_visible()
    await expect(quote).to_contain_text("Leaves you 998 this minute, 998 this hour")
    await expect_good_for_everybody(visitor)


@pytest.mark.parametrize("how", ["early", "enter"])
async def test_when_the_money_is_spent_the_page_says_so_and_what_remains(
    make: Factories,
    spent_site: Site,
    openrouter: RunningOpenRouter,
    visitors: NewVisitor,
    how: str,
):
    stored = await make.factoid("Owls swallow their prey whole.")
    visitor = await visitors(at=spent_site)
    await visitor.open("/?q=nothing+like+it")
    button = visitor.page.locator("#generate")
    await expect(button).to_have_text(re.compile(r"Next in (\d+ h|\d+:\d\d)"))
    if how == "early":
        await button.click()
    else:
        await visitor.page.locator("#topic").press("Enter")
    await expect(visitor.problem).to_contain_text("money for new facts is spent")
    await expect(visitor.problem).to_contain_text("midnight UTC")
    await expect(visitor.page.locator("#countdown")).to_have_text(
        re.compile(r"Next one in (\d+ h|\d+:\d\d)")
    )
    await visitor.page.locator("#vault").click()
    await expect(visitor.page.locator("#from-the-vault")).to_contain_text("Owls swallow")
    await visitor.card(stored.id, "#from-the-vault").vote(1)
    await visitor.until_saved(stored.id, up=1, down=0)
    assert completions(await openrouter.log()) == []
    await expect_good_for_everybody(visitor)
