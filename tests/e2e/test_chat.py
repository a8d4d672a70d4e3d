"""A talk with the agent in a real browser: asked, watched, left, found again, stopped, refused."""

import re

from playwright.async_api import Page, expect

from tests.e2e.browser import PATIENCE_S, Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site, Worker
from tests.factories import Factories
from tests.processes import until
from tests.standins.openrouter.running import RunningOpenRouter

ANSWERED = '[data-said="agent"]'
WRITING = "#answer"
SO_FAR = re.compile(r"^\$0\.0\d+ so far · 29\d,\d{3} tokens left$")
LOST = r"WebSocket|ERR_CONNECTION|ERR_EMPTY_RESPONSE|net::ERR_|Failed to load resource"
NOTICED_MS = 60_000
"""By when the work of a dead worker is taken away from it."""
LONG = """# Bees

They **dance** to say *where* the flowers are, see [a study](https://bees.example/waggle).

1. Round dance: near.
2. Waggle dance: far.
   - the angle is the direction
   - the length is the distance

> A hive decides by dancing.

```
angle = sun + direction_of_the_flowers_in_a_very_long_line_that_does_not_fit_on_a_phone
```

Use `waggle()` sparingly.
"""


async def ask(visitor: Visitor, text: str) -> None:
    await visitor.page.locator("#say").fill(text)
    await visitor.page.keyboard.press("Enter")


async def begin(visitor: Visitor, text: str) -> None:
    await visitor.open("/chat")
    await ask(visitor, text)
    await visitor.page.wait_for_url(re.compile(r"/chat/[0-9a-f-]{36}$"))


def answers(page: Page):
    return page.locator(ANSWERED)


async def test_a_question_is_answered_word_by_word(openrouter: RunningOpenRouter, visitor: Visitor):
    await openrouter.say("Bees *dance*. They do it [in hives](https://bees.example/a).", held=True)
    await begin(visitor, "What do bees do?")
    await openrouter.wait_at_gate()
    await expect(visitor.page.locator(WRITING)).to_contain_text("Bees dance.")
    await expect(visitor.page.locator("#stop")).to_be_visible()
    await openrouter.open()
    await expect(answers(visitor.page)).to_contain_text("in hives (bees.example)")
    await expect(visitor.page.locator('[data-said="you"]')).to_contain_text("What do bees do?")
    await expect(visitor.page.locator("#send")).to_be_visible()
    await expect(visitor.page.locator("#price")).to_contain_text("at most $0.")
    await expect(visitor.page.locator("#left")).to_have_text("9 free messages left")
    await expect(visitor.page.locator("#meter")).to_have_text(SO_FAR)
    await expect(answers(visitor.page).get_by_text(" tokens")).to_contain_text("$")
    await expect(visitor.page.locator("#say")).to_have_value("")
    link = answers(visitor.page).get_by_role("link", name="in hives")
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    await visitor.open("/chat")
    await expect(visitor.page.locator("#chats li")).to_contain_text("What do bees do?")


async def test_an_answer_goes_on_after_a_reload_and_is_stopped_from_another_tab(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await openrouter.queue("gated:4")
    await begin(visitor, "What do bees do?")
    await openrouter.wait_at_gate()
    await expect(visitor.page.locator(WRITING)).to_have_text(re.compile(r"\w+ \w+"))
    begun = await visitor.page.locator(WRITING).inner_text()

    await visitor.reload()
    await expect(visitor.page.locator(WRITING)).to_have_text(begun)
    second = await visitor.open_tab(visitor.page.url.removeprefix(visitor.origin))
    await expect(second.page.locator(WRITING)).to_have_text(begun)

    await second.page.locator("#stop").click()
    for page in (visitor.page, second.page):
        await expect(page.locator("#send")).to_be_visible()
        await expect(answers(page)).to_contain_text(begun)
        await expect(answers(page).locator("[data-ended]")).to_contain_text("Stopped")

    await visitor.page.locator("[data-continue]").click()
    await expect(visitor.page.locator("[data-ended]")).to_have_count(0)
    await expect(visitor.page.locator("#send")).to_be_visible()
    await expect(answers(visitor.page)).to_contain_text(begun)


async def test_what_was_looked_up_is_folded_away_and_sources_open(
    make: Factories, openrouter: RunningOpenRouter, visitor: Visitor
):
    factoid = await make.factoid("Honey never spoils in a jar.", subject="Honey")
    await visitor.open(f"/f/{factoid.id}")
    await visitor.page.locator("#open-chat").click()
    await expect(visitor.page.locator("#about")).to_have_text("Honey never spoils in a jar.")
    await openrouter.call(("search_factoids", {"query": "honey"}))
    await openrouter.say("It keeps for ages [1].")
    await ask(visitor, "Is this true?")
    tool = answers(visitor.page).locator("details")
    await expect(tool).to_contain_text("Search our factoids")
    await expect(tool.get_by_text("query: honey")).to_be_hidden()
    await tool.locator("summary").click()
    await expect(tool.get_by_text("query: honey")).to_be_visible()
    source = answers(visitor.page).get_by_role("list", name="Sources").get_by_role("link")
    await expect(source).to_have_attribute("href", f"/f/{factoid.id}")
    cited = answers(visitor.page).get_by_role("link", name="[1]")
    await expect(cited).to_have_attribute("href", f"/f/{factoid.id}")


async def test_a_question_is_edited_and_answered_again_and_the_branches_kept(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await openrouter.say("First.", "Second.", "Third.")
    await begin(visitor, "One?")
    await expect(answers(visitor.page)).to_contain_text("First.")
    await visitor.page.locator("[data-again]").click()
    await expect(answers(visitor.page)).to_contain_text("Second.")
    await expect(answers(visitor.page)).to_contain_text("2 of 2")
    await visitor.page.get_by_role("button", name="The version before").click()
    await expect(answers(visitor.page)).to_contain_text("First.")
    await visitor.page.locator("[data-edit]").click()
    await expect(visitor.page.locator("#say")).to_have_value("One?")
    await ask(visitor, "Two?")
    await expect(answers(visitor.page)).to_contain_text("Third.")
    await expect(visitor.page.locator('[data-said="you"]')).to_contain_text("Two?")
    await expect(visitor.page.locator('[data-said="you"]')).to_contain_text("2 of 2")


async def test_a_page_of_somebody_elses_chat_shows_nothing_of_it(
    openrouter: RunningOpenRouter, visitor: Visitor, visitors: NewVisitor
):
    await begin(visitor, "A secret question")
    await expect(answers(visitor.page)).to_be_visible()
    other = await visitors()
    await other.open(visitor.page.url.removeprefix(visitor.origin))
    await expect(other.page.locator("#missing")).to_be_visible()
    await expect(other.page.locator("main")).not_to_contain_text("A secret question")


async def test_who_is_refused_is_told_why_and_keeps_their_words(
    openrouter: RunningOpenRouter, spent_site: Site, visitors: NewVisitor
):
    visitor = await visitors(at=spent_site)
    await visitor.open("/chat")
    await ask(visitor, "What do bees do?")
    await expect(visitor.problem).to_contain_text("Today's money for chatting is spent")
    await expect(visitor.page.locator("#say")).to_have_value("What do bees do?")
    await expect_good_for_everybody(visitor)


async def test_the_pages_are_good_for_everybody(openrouter: RunningOpenRouter, visitor: Visitor):
    await visitor.open("/chat")
    await expect(visitor.page.locator("#no-chats")).to_be_visible()
    await expect_good_for_everybody(visitor)
    await openrouter.say(LONG, held=True)
    await begin(visitor, "Tell me everything about bees.")
    await openrouter.wait_at_gate()
    await expect(visitor.page.locator(WRITING)).to_be_visible()
    await expect_good_for_everybody(visitor)
    await openrouter.open()
    await expect(answers(visitor.page)).to_be_visible()
    await expect_good_for_everybody(visitor)
    await visitor.open("/chat")
    await expect(visitor.page.locator("#chats")).to_be_visible()
    await expect_good_for_everybody(visitor)


async def test_a_chat_is_renamed_shared_with_anybody_and_deleted(
    openrouter: RunningOpenRouter, visitor: Visitor, visitors: NewVisitor
):
    await openrouter.say("They dance.")
    await begin(visitor, "What do bees do?")
    await expect(answers(visitor.page)).to_contain_text("They dance.")
    page, here = visitor.page, visitor.page.url.removeprefix(visitor.origin)
    await page.locator("#chat-menu").click()
    await page.locator("#title").fill("Bees")
    await page.get_by_role("button", name="Rename").click()
    await expect(page.locator("#chat-title")).to_have_text("Bees")
    await page.locator("#chat-menu").click()
    await page.locator("#share-chat").click()
    address = await page.locator("#share-url").inner_text()
    shared = address[address.index("/shared/") :]

    other = await visitors()
    await other.open(shared)
    await expect(other.page.get_by_role("heading", level=1)).to_have_text("Bees")
    await expect(answers(other.page)).to_contain_text("They dance.")
    await expect(other.page.locator("[data-again], [data-edit]")).to_have_count(0)
    await expect_good_for_everybody(other)

    await page.get_by_role("button", name="Delete this chat").click()
    await page.get_by_role("button", name="Delete it").click()
    await expect(page.locator("#no-chats")).to_be_visible()
    await visitor.open(here)
    await expect(page.locator("#missing")).to_be_visible()
    other.forgive("^404: ")
    await other.open(shared)
    await expect(other.page.locator("#missing")).to_be_visible()


async def test_an_answer_is_watched_to_its_end_through_a_restart_of_the_site(
    openrouter: RunningOpenRouter, site: Site, visitor: Visitor
):
    visitor.forgive(LOST)
    await openrouter.queue("gated:4")
    await begin(visitor, "What do bees do?")
    await openrouter.wait_at_gate()
    await expect(visitor.page.locator(WRITING)).to_have_text(re.compile(r"\w+ \w+"))
    begun = await visitor.page.locator(WRITING).inner_text()
    await site.restart_begins()
    await expect(visitor.page.locator("#offline")).to_be_visible()
    await site.start()
    await expect(visitor.page.locator("#offline")).to_have_count(0)
    await expect(visitor.page.locator(WRITING)).to_have_text(begun)
    await openrouter.open()
    await expect(answers(visitor.page)).to_contain_text(begun)
    await expect(visitor.page.locator("[data-ended]")).to_have_count(0)


async def test_what_a_killed_worker_said_stays_and_goes_on(
    openrouter: RunningOpenRouter, worker: Worker, visitor: Visitor
):
    await openrouter.queue("gated:4")
    await begin(visitor, "What do bees do?")
    await openrouter.wait_at_gate()
    await expect(visitor.page.locator(WRITING)).to_have_text(re.compile(r"\w+ \w+"))
    chat = "/api/chats/" + visitor.page.url.rpartition("/")[2]

    async def kept() -> str:
        return (await visitor.read(chat))["messages"][-1]["text"]

    begun = await until(kept, "some of the answer to be kept", within_s=PATIENCE_S)
    await worker.kill()
    await worker.start()
    ended = visitor.page.locator("[data-ended]")
    await expect(ended).to_contain_text("interrupted", timeout=NOTICED_MS)
    await expect(answers(visitor.page)).to_contain_text(begun)
    await ended.get_by_role("button", name="Continue").click()
    await expect(ended).to_have_count(0)
    await expect(visitor.page.locator("#send")).to_be_visible()
    await expect(answers(visitor.page)).to_contain_text(begun)


async def test_the_page_follows_only_who_is_at_its_end(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    at_end = "document.documentElement.scrollHeight - innerHeight - scrollY < 96"
    page, latest = visitor.page, visitor.page.locator("#latest")
    await openrouter.say("\n\n".join(f"{n} bees dance." for n in range(60)), "And so on.")
    await openrouter.say("\n\n".join(f"{n} wasps do not." for n in range(60)), held=True)
    await begin(visitor, "What do bees do?")
    await expect(answers(page)).to_contain_text("59 bees dance.")
    await page.wait_for_function(at_end)
    await expect(latest).to_have_count(0)

    await page.evaluate("scrollTo(0, 0)")
    await page.locator("#say").fill("More")
    await page.locator("#say").press("Shift+Enter")
    await page.keyboard.type("please")
    await expect(page.locator("#say")).to_have_value("More\nplease")
    await page.keyboard.press("Enter")
    await expect(answers(page)).to_have_count(2)
    await page.wait_for_function(at_end)
    await expect(page.locator("#say")).to_be_focused()

    await ask(visitor, "And wasps?")
    await openrouter.wait_at_gate()
    await expect(page.locator(WRITING)).to_contain_text("59 wasps do")
    await page.wait_for_function(at_end)
    await page.mouse.wheel(0, -2_000)
    await expect(latest).to_be_visible()
    await openrouter.open()
    await expect(answers(page)).to_have_count(3)
    assert not await page.evaluate(at_end)
    await latest.click()
    await page.wait_for_function(at_end)
    await expect(latest).to_have_count(0)


async def test_screen_readers_hear_whole_sentences_once(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    spoken = visitor.page.locator("#spoken")
    await openrouter.say("Bees **dance**. They do it in", held=True)
    await begin(visitor, "What do bees do?")
    await openrouter.wait_at_gate()
    await expect(spoken).to_have_text("Bees dance.")
    await expect(spoken).to_have_attribute("aria-live", "polite")
    await openrouter.open()
    await expect(spoken).to_have_text("They do it in")
