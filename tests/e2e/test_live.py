"""What changes for everybody shows in every open page, and never moves what is being read."""

from playwright.async_api import expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter


async def test_a_vote_is_seen_in_every_other_open_page(make: Factories, visitors: NewVisitor):
    factoid = await make.factoid(votes=(3, 1))
    reader, voter = await visitors(), await visitors()
    await reader.open()
    pages = [reader, *[await reader.open_tab(at) for at in ("/?q=planets", f"/f/{factoid.id}")]]
    await voter.open()
    for page in pages:
        await page.card(factoid.id).expect_votes(up=3, down=1)
    await voter.card(factoid.id).vote(1)
    for page in pages:
        await page.card(factoid.id).expect_votes(up=4, down=1, mine=0)
    await voter.card(factoid.id).vote(-1)
    for page in pages:
        await page.card(factoid.id).expect_votes(up=3, down=2, mine=0)


async def test_a_vote_of_ones_own_is_seen_in_ones_other_tab(make: Factories, visitor: Visitor):
    factoid = await make.factoid()
    await visitor.open()
    tab = await visitor.open_tab(f"/f/{factoid.id}")
    await tab.card(factoid.id).vote(1)
    await visitor.card(factoid.id).expect_votes_up(1)


async def test_a_new_fact_is_announced_and_moves_nothing_until_asked_for(
    make: Factories, openrouter: RunningOpenRouter, visitors: NewVisitor
):
    ids = await make.factoids(20)
    reader, maker = await visitors(), await visitors()
    await reader.open()
    read = reader.card(ids[5]).locator
    await read.evaluate("card => card.scrollIntoView({block: 'start'})")
    place = await read.bounding_box()
    await maker.open()
    await maker.generate("Venus")
    await expect(maker.result).to_be_visible()
    pill = reader.page.locator("#new-facts")
    await expect(pill).to_have_text("1 new fact")
    assert await read.bounding_box() == place
    await reader.expect_shown(*ids)
    await maker.generate("Saturn")
    await expect(pill).to_have_text("2 new facts")
    await pill.click()
    newest = await maker.result.get_attribute("data-factoid")
    await expect(reader.cards.first).to_have_attribute("data-factoid", newest or "")
    await expect(reader.cards.first).to_be_in_viewport()
    await expect(pill).to_have_count(0)


async def test_a_new_fact_is_announced_where_it_belongs(
    make: Factories, openrouter: RunningOpenRouter, visitors: NewVisitor
):
    await make.factoid(category="music")
    musician, reader, maker = await visitors(), await visitors(), await visitors()
    await musician.open("/?category=music")
    await reader.open("/?sort=top")
    await maker.open()
    await maker.generate("Venus")
    await expect(reader.page.locator("#new-facts")).to_have_text("1 new fact")
    await expect(musician.page.locator("#new-facts")).to_have_count(0)
    await expect(maker.result).to_be_visible()
    await expect(maker.page.locator("#new-facts")).to_have_count(0)
