"""Where things lie in a chat: tables, other directions of writing, the menu, and what pops up."""

from playwright.async_api import Locator, expect

from tests.e2e.browser import Visitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.e2e.test_chat import answers, begin
from tests.standins.openrouter.running import RunningOpenRouter

WIDE = "And a column with a long name"
ANSWER = f"""# النحل

النحل **يرقص**.

1. قريب

> نعم.

They dance.

| Dance | Where | {WIDE} | {WIDE} |
|---|---|---|---|
| round | *near* | yes | no |
| waggle | far | yes | no |
"""
ABOVE_THE_BOX = """() => {
  const edges = (one) => document.querySelector(one).getBoundingClientRect();
  return edges("[data-sonner-toast]").bottom <= edges("#say-form").top;
}"""


async def direction(one: Locator) -> str:
    return await one.evaluate("one => getComputedStyle(one).direction")


async def box(one: Locator) -> dict[str, float]:
    return await one.evaluate("one => one.getBoundingClientRect().toJSON()")


async def test_each_part_is_written_in_its_own_direction_and_a_table_is_one(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await openrouter.say(ANSWER)
    await begin(visitor, "ماذا يفعل النحل")
    said, mine = answers(visitor.page), visitor.page.locator('[data-said="you"]')
    for text in ("النحل", "يرقص", "نعم"):
        part = said.locator("p[dir], blockquote").filter(has_text=text).last
        assert await direction(part) == "rtl", text
    assert await direction(said.get_by_role("list").filter(has_text="قريب")) == "rtl"
    assert await direction(said.get_by_text("They dance.")) == "ltr"
    assert await direction(mine.locator("p")) == "rtl"

    heads = said.get_by_role("columnheader")
    await expect(heads).to_have_text(["Dance", "Where", WIDE, WIDE])
    await expect(said.get_by_role("row")).to_have_count(3)
    await expect(said.get_by_role("cell", name="near")).to_be_visible()
    await expect_good_for_everybody(visitor)


async def test_the_menu_opens_below_its_button_and_covers_neither_name_nor_box(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    page = visitor.page
    await openrouter.say("They dance.")
    await begin(visitor, "What do bees do?")
    await expect(answers(page)).to_be_visible()
    for width, height in ((360, 800), (1280, 860), (800, 360)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.locator("#chat-menu").click()
        button, menu = await box(page.locator("#chat-menu")), await box(page.locator("#chat-acts"))
        assert menu["top"] >= button["bottom"]
        assert (round(menu["right"]), menu["bottom"] <= height) == (round(button["right"]), True)
        await page.keyboard.press("Escape")

    await page.locator("#chat-menu").click()
    await page.locator("#title").fill("Dances")
    await page.keyboard.press("Enter")
    await expect(page.locator("#chat-title")).to_have_text("Dances")
    await expect(page.locator("#chat-acts")).to_be_hidden()
    await expect(page.locator("#chat-menu")).to_be_focused()

    for width, height in ((360, 800), (1280, 860)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.locator("[data-copy]").click()
        await expect(visitor.toast.first).to_be_visible()
        await page.wait_for_function(ABOVE_THE_BOX)
