"""The feed: an endless list, ordered, filtered and searched by its address."""

import re

import httpx
from playwright.async_api import expect

from db.session import Database
from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor, unreadable
from tests.e2e.stack import Site
from tests.factories import Factories
from tests.processes import until

LONG_WORD = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"


async def test_the_page_arrives_with_skeletons_in_place_of_its_cards(site: Site):
    async with httpx.AsyncClient(base_url=site.origin) as client:
        html = (await client.get("/")).text
    assert html.count('class="skeleton') > 20
    assert 'id="generate"' in html


async def test_the_list_starts_with_the_newest_and_goes_on_to_its_end(
    make: Factories, visitor: Visitor
):
    newest_first = [str(id_) for id_ in await make.factoids(45)]
    await visitor.open()
    assert await visitor.shown() == newest_first[:20]
    await visitor.cards.last.scroll_into_view_if_needed()
    await expect(visitor.cards).to_have_count(40)
    await visitor.cards.last.scroll_into_view_if_needed()
    await expect(visitor.page.locator("#end")).to_have_text("That is everything. For now.")
    assert await visitor.shown() == newest_first


async def test_a_reload_finds_the_reading_place_again(make: Factories, visitor: Visitor):
    ids = await make.factoids(45)
    await visitor.open()
    await visitor.cards.last.scroll_into_view_if_needed()
    await expect(visitor.cards).to_have_count(40)
    read = visitor.card(ids[30]).locator
    await read.evaluate("card => card.scrollIntoView({block: 'start'})")
    await expect(read).to_be_in_viewport()
    saved = "place => (sessionStorage.getItem('place /') ?? '').includes(place)"
    await visitor.page.wait_for_function(saved, arg=str(ids[30]))
    await visitor.reload()
    await expect(visitor.card(ids[30]).locator).to_be_in_viewport()


async def test_an_order_is_chosen_by_a_link_and_kept_in_the_address(
    make: Factories, visitor: Visitor
):
    good = await make.factoid(votes=(9, 0))
    best = await make.factoid(votes=(30, 1))
    fresh = await make.factoid(votes=(0, 0))
    await visitor.open()
    assert await visitor.shown() == [str(fresh.id), str(best.id), str(good.id)]
    top = visitor.page.locator('[data-sort="top"]')
    await top.click()
    await expect(top).to_have_attribute("aria-current", "true")
    await expect(visitor.page).to_have_url(f"{visitor.origin}/?sort=top")
    await visitor.expect_shown(best.id, good.id, fresh.id)


async def test_going_back_restores_what_was_chosen_before(make: Factories, visitor: Visitor):
    comet = await make.factoid("A comet tail always points away from the Sun.", category="space")
    whale = await make.factoid("A blue whale has a heart of 180 kilograms.", category="animals")
    shark = await make.factoid("A shark may lose 30 000 teeth.", category="animals", votes=(5, 0))
    await visitor.open()
    await visitor.page.locator('[data-category="animals"]').click()
    await visitor.expect_shown(shark.id, whale.id)
    await visitor.search("whale")
    await visitor.expect_shown(whale.id)
    await visitor.page.go_back()
    await visitor.expect_shown(shark.id, whale.id, comet.id)
    await expect(visitor.page.locator("#q")).to_have_value("")
    await expect(visitor.page.locator('[data-category=""]')).to_have_attribute(
        "aria-current", "true"
    )
    await visitor.page.go_forward()
    await visitor.expect_shown(whale.id)
    await expect(visitor.page.locator("#q")).to_have_value("whale")
    await expect(visitor.page.locator('[data-category="animals"]')).to_have_attribute(
        "aria-current", "true"
    )


async def test_an_address_sent_to_a_friend_shows_the_friend_the_same(
    make: Factories, visitor: Visitor
):
    wanted = await make.factoid("Octopuses have three hearts.", category="animals")
    await make.factoid("Octopuses appear in Minoan art.", category="art")
    await make.factoid("Ants never sleep for long.", category="animals")
    await visitor.open("/?sort=top&category=animals&q=octopuses")
    await visitor.expect_shown(wanted.id)
    await expect(visitor.page.locator("#q")).to_have_value("octopuses")
    await expect(visitor.page.locator('[data-sort="top"]')).to_have_attribute(
        "aria-current", "true"
    )


async def test_an_address_nobody_understands_shows_the_newest(make: Factories, visitor: Visitor):
    ids = await make.factoids(2)
    await visitor.open("/?sort=best&category=..%2Fetc&page=%00&q=")
    await visitor.expect_shown(*ids)


async def test_shuffle_deals_a_different_batch(make: Factories, visitor: Visitor):
    newest_first = [str(id_) for id_ in await make.factoids(30)]
    await visitor.open()
    dealt = newest_first[:20]

    async def dealt_anew() -> bool:
        # Now and then chance deals the same batch twice.
        await visitor.page.locator("#shuffle").click()
        await expect(visitor.page).to_have_url(f"{visitor.origin}/?sort=random")
        await visitor.until_usable()
        return await visitor.shown() not in (dealt, [])

    for _ in range(2):
        await until(dealt_anew, "another batch")
        dealt = await visitor.shown()
        assert len(set(dealt)) == 20


async def test_search_finds_as_one_types_and_marks_what_it_found(make: Factories, visitor: Visitor):
    honey = await make.factoid("Honey found in tombs was still edible.", subject="Honey")
    await make.factoid("A bolt of lightning is hotter than the surface of the Sun.")
    await visitor.open()
    await visitor.search("hone")
    await visitor.expect_shown(honey.id)
    await expect(visitor.card(honey.id).locator.locator("mark")).to_have_text("Honey")
    await expect(visitor.page).to_have_url(f"{visitor.origin}/?q=hone")
    await expect(visitor.page.locator("#q")).to_be_focused()
    await visitor.page.locator("#q").fill("")
    await expect(visitor.cards).to_have_count(2)


async def test_a_search_forgives_a_typing_error(make: Factories, visitor: Visitor):
    found = await make.factoid("Flamingos are pink because of what they eat.", subject="Flamingos")
    await make.factoid("A bolt of lightning is hotter than the surface of the Sun.")
    await visitor.open()
    await visitor.search("flamngos")
    await visitor.expect_shown(found.id)


async def test_a_search_without_a_match_says_what_else_to_do(make: Factories, visitor: Visitor):
    everything = await make.factoids(2)
    await visitor.open("/?category=space")
    await visitor.search("zzyzx")
    empty = visitor.page.locator("#empty")
    await expect(empty).to_contain_text("Nothing found for “zzyzx”")
    await expect(empty).to_contain_text("Try fewer or other words")
    await expect(empty.get_by_role("link", name="Search everything")).to_have_attribute(
        "href", "/?q=zzyzx"
    )
    await empty.get_by_role("link", name="See all facts").click()
    await visitor.expect_shown(*everything)
    await expect(visitor.page.locator("#q")).to_have_value("")


async def test_a_site_without_factoids_invites_to_make_one(visitor: Visitor):
    await visitor.open()
    await expect(visitor.page.locator("#empty")).to_contain_text("Generate one to get started!")


async def test_a_category_without_factoids_invites_to_make_one(make: Factories, visitor: Visitor):
    await make.factoid(category="space")
    await visitor.open("/?category=music")
    await expect(visitor.page.locator("#empty")).to_contain_text("Be the first")


async def test_a_list_that_cannot_be_had_says_so_and_comes_when_tried_again(
    make: Factories, database: Database, visitor: Visitor
):
    factoid = await make.factoid()
    async with unreadable(database):
        await visitor.open()
        trouble = visitor.page.locator("#trouble")
        await expect(trouble).to_contain_text("The facts did not arrive")
        await expect(trouble).to_contain_text(re.compile("try again", re.IGNORECASE))
    await visitor.page.locator("#retry").click()
    await visitor.expect_shown(factoid.id)


async def test_nothing_sticks_out_at_any_width(make: Factories, visitor: Visitor):
    factoid = await make.factoid(f"{LONG_WORD} is a village. " * 4)
    await make.factoid(subject=LONG_WORD * 3)
    await visitor.open()
    card = visitor.card(factoid.id)
    await card.open_details()
    await card.vote(1)
    await expect(card.feedback).to_be_visible()
    await visitor.expect_no_sideways_scroll(320, 360, 1280, 2560)
    await visitor.open(f"/f/{factoid.id}")
    await visitor.expect_no_sideways_scroll(320, 360, 1280, 2560)


async def test_a_reader_without_scripts_reads_the_newest_facts(
    make: Factories, site: Site, visitors: NewVisitor
):
    factoid = await make.factoid("Bananas are berries, but strawberries are not.")
    # The list in the HTML is a few seconds old at most.
    await site.until_answers("/", containing=factoid.text)
    reader = await visitors(java_script_enabled=False)
    reader.forgive(r"\.js: csp$")
    await reader.page.goto(site.origin)
    await expect(reader.page.locator("#facts")).to_be_hidden()
    await reader.page.get_by_role("link", name=factoid.text).click()
    await expect(reader.page.get_by_role("heading", name=factoid.text)).to_be_visible()


async def test_a_card_keeps_its_buttons_within_itself_on_the_smallest_phone(
    visitor: Visitor, make: Factories
):
    fact = await make.factoid(votes=(88, 88))
    await visitor.page.set_viewport_size({"width": 320, "height": 800})
    for path in ("/", f"/f/{fact.id}"):
        await visitor.open(path)
        card = visitor.card(fact.id).locator
        edges = "one => [one.getBoundingClientRect().right, one.scrollHeight > one.clientHeight]"
        right, _ = await card.evaluate(edges)
        for button in await card.locator("[data-vote], [data-share], [data-more]").all():
            assert (await button.evaluate(edges)) < [right - 16], await button.inner_text()
