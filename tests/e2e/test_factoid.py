"""One factoid at an address of its own, and every way to check it and pass it on."""

import re

import httpx
import pytest
from playwright.async_api import expect

from db.session import Database
from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor, unreadable
from tests.e2e.stack import Site
from tests.factories import Factories

NATIVE_SHEET = "navigator.share = async (what) => { globalThis.sharedWith = what; };"
CLOSED_SHEET = "navigator.share = async () => { throw new DOMException('', 'AbortError'); };"
NO_CLIPBOARD = "navigator.clipboard.writeText = async () => { throw new Error('not allowed'); };"
CLIPBOARD = "navigator.clipboard.readText()"
MAY_COPY = {"permissions": ["clipboard-read", "clipboard-write"]}


async def test_its_html_names_the_fact_to_sites_that_show_a_preview(make: Factories, site: Site):
    factoid = await make.factoid(
        'A "day" on Venus is longer than its <year>.', subject="Venus & Co"
    )
    async with httpx.AsyncClient(base_url=site.origin) as client:
        answer = await client.get(f"/f/{factoid.id}")
    html = answer.text
    assert answer.status_code == 200
    assert "<title>Venus &amp; Co | Andy&#x27;s Daily Factoids</title>" in html
    words = "A &quot;day&quot; on Venus is longer than its &lt;year&gt;."
    assert f'<meta property="og:description" content="{words}"/>' in html
    assert f'<meta property="og:url" content="{site.origin}/f/{factoid.id}"/>' in html
    assert f'<meta property="og:image" content="{site.origin}/card.png"/>' in html
    assert f'<link rel="canonical" href="{site.origin}/f/{factoid.id}"/>' in html
    assert f'<h1 class="serif">{words}</h1>' in html


async def test_a_shared_link_shows_the_fact_its_details_and_more_to_read(
    make: Factories, visitor: Visitor
):
    others = await make.factoids(3)
    factoid = await make.factoid("Wombats produce cubes.", category="animals", votes=(4, 1))
    await visitor.open(f"/f/{factoid.id}")
    card = visitor.card(factoid.id)
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(factoid.text)
    await expect(visitor.page).to_have_title("Venus | Andy's Daily Factoids")
    await card.expect_votes(up=4, down=1)
    await expect(card.details).to_contain_text("from our starter set, collected by people")
    await expect(card.details).to_contain_text(
        re.compile(r"Published\d+ \w+ 20\d\d, \d\d:\d\d UTC")
    )
    await visitor.expect_shown(*others)


async def test_from_a_factoid_the_feed_is_one_step_away_and_back_again(
    make: Factories, visitor: Visitor
):
    first, second = await make.factoids(2)
    await visitor.open("/?sort=top")
    await visitor.card(second).locator.locator("time").click()
    await expect(visitor.page).to_have_url(f"{visitor.origin}/f/{second}")
    await expect(visitor.card(second).details).to_be_visible()
    await visitor.page.go_back()
    await expect(visitor.page).to_have_url(f"{visitor.origin}/?sort=top")
    await expect(visitor.card(first).locator).to_be_visible()
    await visitor.page.go_forward()
    await visitor.page.get_by_role("link", name="All facts").click()
    await visitor.expect_shown(first, second)


@pytest.mark.parametrize("named", ["0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", "x%00%2f.."])
async def test_an_unknown_factoid_is_a_helpful_404(make: Factories, visitor: Visitor, named: str):
    newest = await make.factoid()
    visitor.forgive("404")
    answer = await visitor.page.goto(f"{visitor.origin}/f/{named}")
    assert answer
    assert answer.status == 404
    missing = visitor.page.locator("#missing")
    await expect(missing).to_contain_text("No such factoid")
    await expect(visitor.page).to_have_title(re.compile("^Not found"))
    await visitor.expect_shown(newest.id)
    await missing.get_by_role("link", name="See the newest facts").click()
    await expect(visitor.page).to_have_url(f"{visitor.origin}/")
    await expect(visitor.card(newest.id).locator).to_be_visible()


async def test_a_factoid_that_cannot_be_had_says_so_and_comes_when_tried_again(
    make: Factories, database: Database, visitor: Visitor
):
    factoid = await make.factoid()
    visitor.forgive("503")
    async with unreadable(database):
        await visitor.open(f"/f/{factoid.id}")
        await expect(visitor.page.locator("#trouble")).to_contain_text("The fact did not arrive")
    await visitor.page.locator("#retry").click()
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(factoid.text)


async def test_an_unknown_address_is_a_helpful_404(visitor: Visitor):
    visitor.forgive("404")
    answer = await visitor.page.goto(f"{visitor.origin}/nowhere/at/all")
    assert answer
    assert answer.status == 404
    missing = visitor.page.locator("#missing")
    await expect(missing).to_contain_text("Nothing lives at this address")
    await missing.get_by_role("link", name="See the newest facts").click()
    await expect(visitor.page.locator("#empty")).to_be_visible()


async def test_the_links_to_check_it_open_elsewhere_and_tell_nothing(
    make: Factories, visitor: Visitor
):
    factoid = await make.factoid("Is 100% of it true & proven?")
    await visitor.open()
    card = visitor.card(factoid.id)
    await expect(card.details).to_have_count(0)
    await card.open_details()
    for name, address in (
        ("Search up that bad boi", "https://www.google.com/search?q=Is+100%25+of+it+true+%26"),
        ("Ask ChatGippity", "https://chatgpt.com/?q=Is+this+true%3F+Is+100%25+of+it+true+%26"),
    ):
        link = card.details.get_by_role("link", name=name)
        await expect(link).to_have_attribute("href", re.compile("^" + re.escape(address)))
        await expect(link).to_have_attribute("target", "_blank")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await card.locator.locator("[data-more]").click()
    await expect(card.details).to_have_count(0)


async def test_sharing_uses_the_devices_own_sheet(make: Factories, visitor: Visitor):
    factoid = await make.factoid()
    await visitor.page.add_init_script(NATIVE_SHEET)
    await visitor.open()
    await visitor.card(factoid.id).share()
    shared = await visitor.page.wait_for_function("globalThis.sharedWith")
    assert await shared.json_value() == {
        "text": factoid.text,
        "url": f"{visitor.origin}/f/{factoid.id}",
    }


async def test_closing_the_sheet_is_no_error(make: Factories, visitor: Visitor):
    factoid = await make.factoid()
    await visitor.page.add_init_script(CLOSED_SHEET)
    await visitor.open()
    await visitor.card(factoid.id).share()
    # What comes after it came through the same queue.
    await visitor.card(factoid.id).vote(1)
    await visitor.card(factoid.id).expect_votes(up=1, down=0, mine=1)
    await expect(visitor.toast).to_have_count(0)


async def test_without_a_sheet_sharing_copies(make: Factories, visitors: NewVisitor):
    factoid = await make.factoid()
    visitor = await visitors(**MAY_COPY)
    await visitor.open()
    await visitor.card(factoid.id).share()
    await expect(visitor.toast).to_contain_text("Copied")
    address = f"{visitor.origin}/f/{factoid.id}"
    assert await visitor.page.evaluate(CLIPBOARD) == f"{factoid.text}\n{address}"


async def test_text_and_link_can_be_copied(make: Factories, visitors: NewVisitor):
    factoid = await make.factoid()
    visitor = await visitors(**MAY_COPY)
    await visitor.open(f"/f/{factoid.id}")
    details = visitor.card(factoid.id).details
    address = f"{visitor.origin}/f/{factoid.id}"
    await details.get_by_role("button", name="Copy text").click()
    await expect(visitor.toast).to_contain_text("Copied")
    told = await visitor.page.evaluate(CLIPBOARD)
    assert told == f"{factoid.text}\n\nKeep exploring factoids: {address}"
    await details.get_by_role("button", name="Copy link").click()
    await expect(visitor.toast).to_have_count(2)
    assert await visitor.page.evaluate(CLIPBOARD) == address


async def test_a_browser_that_does_not_let_us_copy_is_named(make: Factories, visitor: Visitor):
    factoid = await make.factoid()
    await visitor.page.add_init_script(NO_CLIPBOARD)
    await visitor.open()
    await visitor.card(factoid.id).share()
    await expect(visitor.toast).to_contain_text("did not allow copying")
