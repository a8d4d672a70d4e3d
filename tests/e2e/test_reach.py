"""Everybody can use it: with a keyboard, a screen reader, a phone, by day and by night."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.e2e.browser import Visitor, Wire
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import PAPER, WIDTHS, Scheme, expect_good_for_everybody
from tests.factories import Factories
from tests.standins.openrouter.running import RunningOpenRouter

NOTE_GROUNDS = """
    globalThis.grounds = new Set();
    const look = () => {
        const ground = document.body && getComputedStyle(document.body).backgroundColor;
        if (ground) globalThis.grounds.add(ground);
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
"""

FOCUSABLE = """() => [...document.querySelectorAll(
        "a[href], button, input, select, summary, textarea")]
    .filter((one) => one.checkVisibility() && one.type !== "hidden" && !one.disabled)
    .map((one) => (one.dataset.reached = "no"))
    .length"""

FROM_THE_TOP = "document.activeElement.blur(); getSelection().empty(); scrollTo(0, 0)"

REACH = """() => {
    const one = document.activeElement;
    if (one.dataset.reached !== "no") return one.dataset.reached ?? one.tagName;
    one.dataset.reached = "yes";
    const shown = (it) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(it);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    };
    const label = one.closest("label");
    if (shown(one) || (label && shown(label))) return "reached";
    return `no focus to be seen on ${one.outerHTML.slice(0, 200)}`;
}"""


async def test_the_feed_is_good_for_everybody(make: Factories, visitor: Visitor):
    voted, opened = await make.factoid(), await make.factoid()
    await visitor.open("/?q=fact")
    await visitor.card(opened.id).open_details()
    await visitor.card(voted.id).vote(1)
    await visitor.card(voted.id).expect_votes(up=1, down=0, mine=1)
    await expect(visitor.card(voted.id).feedback).to_be_visible()
    await visitor.page.locator("#options").click()
    await expect_good_for_everybody(visitor)


async def test_a_factoid_is_good_for_everybody(make: Factories, visitor: Visitor):
    await make.factoids(2)
    factoid = await make.factoid()
    await visitor.open(f"/f/{factoid.id}")
    await expect_good_for_everybody(visitor)


@pytest.mark.parametrize("path", ["/f/42", "/nowhere"])
async def test_a_missing_page_is_good_for_everybody(visitor: Visitor, path: str):
    visitor.forgive("404")
    await visitor.open(path)
    await expect(visitor.page.locator("#missing")).to_be_visible()
    await expect_good_for_everybody(visitor)


async def test_an_empty_search_is_good_for_everybody(make: Factories, visitor: Visitor):
    await make.factoid()
    await visitor.open("/?q=zzyzx")
    await expect(visitor.page.locator("#empty")).to_be_visible()
    await expect_good_for_everybody(visitor)


async def test_loading_is_good_for_everybody(make: Factories, visitor: Visitor):
    await make.factoid()
    wire = await Wire.of(visitor.page)
    wire.hold()
    await visitor.page.goto(visitor.origin)
    await expect(visitor.page.locator("#facts .skeleton").first).to_be_visible()
    await expect(visitor.page.locator("#facts")).to_have_attribute("aria-busy", "true")
    await expect_good_for_everybody(visitor)
    wire.release()
    await visitor.until_usable()
    await expect(visitor.page.locator("#facts .skeleton")).to_have_count(0)


async def test_writing_is_good_for_everybody(openrouter: RunningOpenRouter, visitor: Visitor):
    await visitor.open()
    await openrouter.queue("gated:12")
    await visitor.generate("Venus")
    await openrouter.wait_at_gate()
    await expect(visitor.draft).to_be_visible()
    await expect_good_for_everybody(visitor)
    await openrouter.open()
    await expect(visitor.result).to_be_visible()
    await expect_good_for_everybody(visitor)


@pytest.mark.parametrize("width", WIDTHS)
async def test_every_control_is_reached_with_the_tab_key_and_shows_it(
    make: Factories, visitors: NewVisitor, width: int
):
    factoid = await make.factoid()
    visitor = await visitors(viewport={"width": width, "height": 800})
    await visitor.open()
    await visitor.card(factoid.id).open_details()
    await visitor.card(factoid.id).vote(1)
    await expect(visitor.card(factoid.id).feedback).to_be_visible()
    await visitor.page.locator("#options").click()
    await visitor.page.evaluate(FROM_THE_TOP)
    controls = await visitor.page.evaluate(FOCUSABLE)
    met: list[str] = []
    for _ in range(controls + 2):
        await visitor.page.keyboard.press("Tab")
        met.append(await visitor.page.evaluate(REACH))
    assert [one for one in met if one.startswith("no focus")] == []
    missed = "[...document.querySelectorAll('[data-reached=no]')].map(one => one.outerHTML)"
    assert await visitor.page.evaluate(missed) == []


async def test_everything_is_done_without_a_mouse(
    make: Factories, openrouter: RunningOpenRouter, visitor: Visitor
):
    factoid = await make.factoid("Honey never spoils.", subject="Honey")
    await visitor.open()
    page, card = visitor.page, visitor.card(factoid.id)
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("#topic")).to_be_focused()
    await page.keyboard.type("Venus")
    await page.keyboard.press("Enter")
    await expect(visitor.result).to_be_visible()
    await card.vote_button(1).focus()
    await page.keyboard.press("Space")
    await card.expect_votes(up=1, down=0, mine=1)
    await card.feedback.get_by_label("Love it").focus()
    await page.keyboard.press("Space")
    await card.feedback.get_by_role("button", name="Submit feedback").focus()
    await page.keyboard.press("Enter")
    await expect(visitor.toast).to_contain_text("Thanks!")
    await page.locator("#q").focus()
    await page.keyboard.type("honey")
    await visitor.expect_shown(factoid.id)


async def test_the_theme_menu_opens_and_closes_with_the_keyboard(visitor: Visitor):
    await visitor.open()
    page = visitor.page
    await page.locator("#theme").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#themes")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.locator('[data-theme="light"]')).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("body")).to_have_css("background-color", PAPER["dark"])
    await page.keyboard.press("Escape")
    await expect(page.locator("#themes")).to_be_hidden()
    await expect(page.locator("#theme")).to_be_focused()


@pytest.mark.parametrize(
    ("device", "chosen", "shown"),
    [
        ("light", None, "light"),
        ("dark", None, "dark"),
        ("light", "dark", "dark"),
        ("dark", "light", "light"),
        ("dark", "system", "dark"),
    ],
)
async def test_a_theme_is_there_from_the_first_frame(
    visitors: NewVisitor, device: str, chosen: str | None, shown: Scheme
):
    visitor = await visitors(color_scheme=device)
    await visitor.open()
    if chosen:
        await visitor.page.locator("#theme").click()
        await visitor.page.locator(f'[data-theme="{chosen}"]').click()
    await visitor.page.add_init_script(NOTE_GROUNDS)
    await visitor.reload()
    seen = await visitor.page.evaluate("[...globalThis.grounds]")
    assert [ground for ground in seen if ground != "rgba(0, 0, 0, 0)"] == [PAPER[shown]]


async def test_the_system_theme_follows_the_device(visitor: Visitor):
    await visitor.open()
    body: Any = visitor.page.locator("body")
    for scheme in (*PAPER, *PAPER):
        await visitor.page.emulate_media(color_scheme=scheme)
        await expect(body).to_have_css("background-color", PAPER[scheme])


async def test_screen_readers_hear_whole_sentences_of_what_is_written(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open()
    spoken = visitor.page.locator("#spoken")
    await expect(spoken).to_have_attribute("aria-live", "polite")
    await openrouter.queue("gated:12")
    await visitor.generate("Venus")
    await openrouter.wait_at_gate()
    await expect(visitor.draft).to_be_visible()
    await expect(spoken).to_have_text("")
    await openrouter.open()
    await expect(visitor.page.locator("#result [role=status]")).to_have_text("Factoid ready!")


async def test_the_name_of_the_site_stays_in_one_line_and_whole(make: Factories, visitor: Visitor):
    await make.factoid()
    await visitor.open()
    name = visitor.page.locator("header a span", has_text="Daily Factoids")
    for width in (320, 360, 430, 440, 1280):
        await visitor.page.set_viewport_size({"width": width, "height": 800})
        lines, cut = await name.evaluate(
            "one => [one.offsetHeight / parseFloat(getComputedStyle(one).lineHeight),"
            " one.scrollWidth > one.clientWidth]"
        )
        assert (round(lines, 1), cut) == (1, False), width
        assert (await name.inner_text()).endswith("Daily Factoids")
    await visitor.expect_no_sideways_scroll(320, 360)
