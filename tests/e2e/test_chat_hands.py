"""A chat by keyboard alone, what is copied and downloaded of it, and without JavaScript."""

import json
from pathlib import Path

from playwright.async_api import Page, expect

from tests.e2e.browser import Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.stack import Site
from tests.e2e.test_chat import answers, begin
from tests.standins.openrouter.running import RunningOpenRouter

CODE = "if bees:\n    dance()"
ANSWER = f"They **dance**, see [a study](https://bees.example/a).\n\n```py\n{CODE}\n```\n"

FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const framed = getComputedStyle(one.parentElement).borderColor === "rgb(180, 67, 31)";
  const seen = one.id === "say" ? framed : outlined;
  const name = (one.ariaLabel || one.labels?.[0]?.textContent || one.innerText || one.title);
  return {name: name.replace(/\\s+/g, " ").trim(), seen};
}"""
"""What has the focus, and whether that can be seen: outlined, or for the box framed in accent."""


async def copied(page: Page) -> str:
    return await page.evaluate("navigator.clipboard.readText()")


async def test_code_and_whole_answers_are_copied_as_they_were_written(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await openrouter.say(ANSWER)
    await begin(visitor, "What do bees do?")
    button = answers(visitor.page).get_by_role("button", name="Copy code")
    await button.click()
    await expect(answers(visitor.page).get_by_role("button", name="Copied code")).to_be_visible()
    await expect(answers(visitor.page).get_by_role("status")).to_have_text("Copied")
    assert await copied(visitor.page) == CODE
    await expect(button).to_be_visible()

    await answers(visitor.page).locator("[data-copy]").click()
    await expect(visitor.toast).to_contain_text("Copied")
    assert await copied(visitor.page) == ANSWER.strip()
    await expect_good_for_everybody(visitor)


async def test_a_chat_is_downloaded_as_markdown_and_as_json(
    openrouter: RunningOpenRouter, visitor: Visitor, tmp_path: Path
):
    await openrouter.say("They dance.")
    await begin(visitor, "What do bees do?")
    await expect(answers(visitor.page)).to_be_visible()
    chat_id = visitor.page.url.rpartition("/")[2]
    visitor.forgive("^failed: .*/export.*ERR_ABORTED")  # A download leaves the page where it is.
    files: dict[str, str] = {}
    for name, ending in (("Markdown", "md"), ("JSON", "json")):
        await visitor.page.locator("#chat-menu").click()
        async with visitor.page.expect_download() as begun:
            await visitor.page.get_by_role("link", name=f"Download as {name}").click()
        download = await begun.value
        assert download.suggested_filename == f"chat-{chat_id}.{ending}"
        await download.save_as(tmp_path / ending)
        files[ending] = (tmp_path / ending).read_text()
        await visitor.page.keyboard.press("Escape")

    assert "What do bees do?" in files["md"]
    assert "They dance." in files["md"]
    said = [one["text"] for one in json.loads(files["json"])["messages"]]
    assert said == ["What do bees do?", "They dance."]


async def test_a_chat_is_used_by_keyboard_alone(openrouter: RunningOpenRouter, visitor: Visitor):
    page = visitor.page
    await openrouter.say(ANSWER, "They sing.")
    await visitor.open("/chat")
    await page.locator("#say").focus()
    await page.keyboard.type("What do bees do?")
    await page.keyboard.press("Enter")
    await expect(answers(page)).to_contain_text("They dance")
    await expect(page.locator("#price")).not_to_be_empty()

    await page.locator("body").evaluate("() => document.activeElement.blur()")
    passed: list[str] = []
    while "Your message" not in passed and len(passed) < 40:
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        assert focused["seen"], focused
        passed.append(focused["name"])
    order = ["Skip to content", "What to do with this chat", "Edit", "a study", "Copy code"]
    order += ["Copy", "Again", "Your message"]
    places = [passed.index(name) for name in order]
    assert places == sorted(places)

    await page.keyboard.type("And at night?")
    await page.keyboard.press("Enter")
    await expect(answers(page).last).to_contain_text("They sing.")

    await page.locator("#chat-menu").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#title")).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.locator("#title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#title")).to_be_hidden()
    await expect(page.locator("#chat-menu")).to_be_focused()


async def test_an_answer_is_stopped_by_keyboard(openrouter: RunningOpenRouter, visitor: Visitor):
    await openrouter.queue("gated:4")
    await begin(visitor, "What do bees do?")
    await openrouter.wait_at_gate()
    await visitor.page.locator("#say").focus()
    await visitor.page.keyboard.press("Tab")
    await expect(visitor.page.locator("#stop")).to_be_focused()
    await visitor.page.keyboard.press("Enter")
    await expect(answers(visitor.page).locator("[data-ended]")).to_contain_text("Stopped")


async def test_without_scripts_the_pages_of_chats_say_what_is_missing(
    openrouter: RunningOpenRouter, site: Site, visitors: NewVisitor
):
    reader = await visitors(java_script_enabled=False)
    reader.forgive(r"\.js: csp$")
    await reader.page.goto(f"{site.origin}/chat")
    await expect(reader.page.get_by_role("heading", level=1)).to_have_text("Ask our AI overlords")
    await expect(reader.page.get_by_role("link", name="Reading the newest facts")).to_be_visible()
    await expect(reader.page.locator("#say")).to_be_hidden()
    for path in ("/chat/01a1fd8c-73a3-74e6-ba58-e4b23893cacf", "/shared/nonsense"):
        await reader.page.goto(site.origin + path)
        await expect(reader.page.get_by_role("heading", name="A chat")).to_be_visible()
