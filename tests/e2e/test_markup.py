"""A corpus of markup, scripts, links and images as what a model wrote, in a real browser: words."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from domain.text import clean
from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import WIDTHS
from tests.factories import NUMBERS, Factories
from tests.proof import sample
from tests.standins.openrouter.running import RunningOpenRouter

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent.parent / "security" / "markup.json").read_text()
)
PAYLOADS = [payload for payloads in CORPUS.values() for payload in payloads]
HARMLESS = "Honey never spoils"
TOGETHER = 240
"""How long several of them may be as one subject."""

TRAPS = """
globalThis.trapped = [];
const doors = ["alert", "confirm", "prompt", "print", "open", "msgbox"];
for (const door of doors)
  globalThis[door] = (...given) => trapped.push(door + ": " + given.join());
for (const way of ["log", "info", "debug", "dir", "table"])
  console[way] = (...given) => trapped.push("console: " + given.join());
addEventListener("securitypolicyviolation", (event) =>
  trapped.push("policy: " + event.violatedDirective + " " + event.blockedURI));
addEventListener("submit", (event) =>
  event.target.querySelector("#topic, #say") || trapped.push("form: " + event.target.action));
addEventListener("error", (event) => trapped.push("error: " + event.message), true);
"""
"""Whatever runs or is refused by the page's policy is noted."""

CARD = """(card) => {
  const own = card.getBoundingClientRect(), out = [], parts = [];
  const beyond = (box) => box.width > 0 && box.height > 0 && (box.left < own.left - 0.5
    || box.right > own.right + 0.5 || box.top < own.top - 0.5 || box.bottom > own.bottom + 0.5);
  for (const one of card.querySelectorAll("*")) {
    const names = one.getAttributeNames().sort().join(" ");
    const host = one.href ? new URL(one.href).origin : "";
    parts.push(one.localName + " " + names + " " + host);
    if (beyond(one.getBoundingClientRect())) out.push(one.outerHTML.slice(0, 200));
  }
  const range = document.createRange(), words = card.querySelector("h1.serif, p.serif");
  range.selectNodeContents(words);
  for (const box of range.getClientRects()) if (beyond(box)) out.push("text: " + words.innerText);
  const subject = card.querySelector("p.sentence").textContent;
  return {parts, out, text: words.textContent, subject};
}"""
"""A card's elements with the names of their attributes and where they lead; whatever of it lies
outside its box; and its words."""

ANSWERS = 6
"""Of a chat that holds all payloads: fewer than one may ask for in a minute."""

DRAWN = {
    *("li", "div", "p", "span", "ul", "ol", "pre", "code", "blockquote", "hr", "a", "button"),
    *("table", "thead", "tbody", "tr", "th", "td"),
    *("details", "summary", "svg", "path", "rect", "circle", "line", "polyline"),
}
"""All that a chat is drawn from."""

TALK = """(talk) => [...talk.querySelectorAll("*")].map((one) => {
  const names = one.getAttributeNames();
  const web = one.localName !== "a" || (one.target === "_blank"
    && one.rel === "noopener noreferrer" && (one.pathname.startsWith("/f/")
    || ["http:", "https:"].includes(one.protocol)));
  const known = web && !names.some((name) => name.startsWith("on") || name === "src"
    || name === "srcdoc" || name === "action");
  return {name: one.localName, known, html: known ? "" : one.outerHTML.slice(0, 200)};
})"""
"""A chat's elements, and whether each of them is one of ours."""


def together() -> list[list[str]]:
    """All payloads, as many at once as fit into one subject."""
    groups: list[list[str]] = [[]]
    for payload in PAYLOADS:
        if len(" ".join([*groups[-1], payload])) > TOGETHER:
            groups.append([])
        groups[-1].append(payload)
    return groups


@pytest.fixture
async def trapped(visitors: NewVisitor) -> Visitor:
    visitor = await visitors()
    await visitor.context.add_init_script(TRAPS)
    return visitor


async def seen(visitor: Visitor, factoid_id: Any) -> dict[str, Any]:
    return await visitor.card(factoid_id).locator.evaluate(CARD)


async def expect_nothing_ran(visitor: Visitor) -> None:
    assert await visitor.page.evaluate("trapped") == []
    assert visitor.unforgiven == []


async def test_the_feed_shows_markup_as_the_words_it_is(make: Factories, trapped: Visitor):
    payloads = sample(PAYLOADS, 70)
    made = [await make.factoid(f"{one} {next(NUMBERS)}", subject=one) for one in payloads]
    harmless = await make.factoid(HARMLESS, subject=HARMLESS)
    await trapped.open()
    for count in [*range(20, len(made), 20), len(made) + 1]:
        await expect(trapped.cards).to_have_count(count)
        await trapped.cards.last.scroll_into_view_if_needed()

    for width in WIDTHS:
        await trapped.expect_no_sideways_scroll(width)
        model = await seen(trapped, harmless.id)
        assert model["out"] == []
        for factoid in made:
            card = await seen(trapped, factoid.id)
            assert card == {**model, "text": factoid.text, "subject": factoid.subject}
    await expect_nothing_ran(trapped)


async def test_a_factoids_page_shows_markup_as_the_words_it_is(make: Factories, trapped: Visitor):
    groups = together()
    assert sum(len(group) for group in groups) == len(PAYLOADS) >= 150
    harmless = await make.factoid(HARMLESS, subject=HARMLESS)
    await trapped.open(f"/f/{harmless.id}")
    model = await seen(trapped, harmless.id)
    assert model["out"] == []
    for group in sample(groups, 8):
        payload = " ".join(group)
        factoid = await make.factoid(f"{payload} {next(NUMBERS)}", subject=payload)
        await trapped.open(f"/f/{factoid.id}")
        for width in WIDTHS:
            await trapped.expect_no_sideways_scroll(width)
            card = await seen(trapped, factoid.id)
            assert card == {**model, "text": factoid.text, "subject": payload}
        title = re.sub("[ \t\n\f\r]+", " ", payload)
        assert await trapped.page.title() == f"{title} | Andy's Daily Factoids"
        await expect_nothing_ran(trapped)


async def test_markup_that_is_being_written_is_shown_as_the_words_it_is(
    openrouter: RunningOpenRouter, trapped: Visitor
):
    for group in sample(together(), 4):
        text = f"Honey says {' '.join(group)} every day"
        said = json.dumps({"text": text})
        await openrouter.say(said, held=True)
        await openrouter.say(said)
        await trapped.open()
        await trapped.generate()
        await expect(trapped.draft).to_have_text(clean(text))
        await expect(trapped.draft.locator("*")).to_have_count(0)
        await trapped.expect_no_sideways_scroll(*WIDTHS)
        await openrouter.open()
        await expect(trapped.problem).to_be_visible()
        await expect_nothing_ran(trapped)


async def test_a_chat_shows_markup_as_words_and_web_links(
    make: Factories, openrouter: RunningOpenRouter, trapped: Visitor
):
    await make.factoid("Honey never spoils", subject=" ".join(together()[0]))
    size = -(-len(PAYLOADS) // ANSWERS)
    said = [PAYLOADS[at : at + size] for at in range(0, len(PAYLOADS), size)]
    await openrouter.call(("search_factoids", {"query": "honey " + "".join(PAYLOADS[:3])}))
    for payloads in said:
        await openrouter.say("[1]\n\n" + "\n\n".join(payloads))
    await trapped.open("/chat")
    page = trapped.page
    for number, payloads in enumerate(said, 1):
        await page.locator("#say").fill(payloads[0])
        await page.keyboard.press("Enter")
        await expect(page.locator('[data-said="agent"]')).to_have_count(number)
        await expect(page.locator("#send")).to_be_visible()
    await page.locator('[data-said="agent"] summary').click()
    for width in WIDTHS:
        await trapped.expect_no_sideways_scroll(width)
    await expect_only_words_and_web_links(trapped)

    await page.locator("#chat-menu").click()
    await page.locator("#share-chat").click()
    address = await page.locator("#share-url").inner_text()
    await trapped.open(address[address.index("/shared/") :])
    await expect(page.locator('[data-said="agent"]')).to_have_count(len(said))
    for width in WIDTHS:
        await trapped.expect_no_sideways_scroll(width)
    await expect_only_words_and_web_links(trapped)


async def expect_only_words_and_web_links(visitor: Visitor) -> None:
    parts = await visitor.page.locator("#talk").evaluate(TALK)
    assert {one["name"] for one in parts} <= DRAWN
    assert [one for one in parts if not one["known"]] == []
    await expect_nothing_ran(visitor)


async def test_a_chat_shows_markup_that_is_being_written_as_words_and_web_links(
    openrouter: RunningOpenRouter, trapped: Visitor
):
    await openrouter.say("\n\n".join(PAYLOADS[: len(PAYLOADS) // 2]), held=True)
    await openrouter.say("\n\n".join(PAYLOADS[len(PAYLOADS) // 2 :]), held=True)
    await trapped.open("/chat")
    for number in (1, 2):
        await trapped.page.locator("#say").fill("Write")
        await trapped.page.keyboard.press("Enter")
        await openrouter.wait_at_gate()
        await expect(trapped.page.locator("#answer > *").nth(9)).to_be_visible()
        await expect_only_words_and_web_links(trapped)
        await openrouter.open()
        await expect(trapped.page.locator('[data-said="agent"]')).to_have_count(number)
