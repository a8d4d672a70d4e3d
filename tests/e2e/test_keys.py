"""API keys: made, seen once, used by a program, exchanged and ended, all on one page."""

import re

import httpx
from playwright.async_api import expect

from db.session import Database
from tests.e2e.browser import PATIENCE_S, Visitor
from tests.e2e.conftest import NewVisitor
from tests.e2e.good_for_everybody import expect_good_for_everybody
from tests.factories import Factories
from tests.processes import until
from tests.standins.openrouter.running import RunningOpenRouter

TOKEN = re.compile(r"adf_\w+")
CLOSING = "WebSocket is already in CLOSING or CLOSED state"
"""A socket ends with the identity it was opened by, perhaps in the middle of its goodbye."""


async def make_key(visitor: Visitor, name: str) -> str:
    """Make a key on the page, and read it as a person would."""
    await visitor.page.locator("#key-name").fill(name)
    await visitor.page.locator("#make-key").click()
    token = visitor.page.locator("#token")
    await expect(visitor.page.locator("#new-key")).to_contain_text(name)
    await expect(visitor.page.locator("#new-key")).to_be_focused()
    await expect(token).to_have_text(TOKEN)
    return await token.inner_text()


def key_of(visitor: Visitor, name: str):
    return visitor.page.locator("#keys [data-key]").filter(has_text=name)


async def ask(visitor: Visitor, token: str) -> int:
    """What a program with this key is answered."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=visitor.origin, trust_env=False) as program:
        answer = await program.post(
            "/api/factoids/generate", json={"topic": "owls"}, headers=headers
        )
    return answer.status_code


async def until_turned_away(visitor: Visitor, token: str) -> None:
    async def turned_away() -> bool:
        headers = {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=visitor.origin, trust_env=False) as program:
            return (await program.get("/api/factoids", headers=headers)).status_code == 401

    await until(turned_away, "a revoked key to open nothing", within_s=PATIENCE_S)


async def test_a_key_is_seen_once_works_and_is_ended(
    database: Database, openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open("/keys")
    await expect(visitor.page.locator("#no-keys")).to_be_visible()
    token = await make_key(visitor, "Kitchen display")
    await expect(visitor.page.locator("#new-key")).to_contain_text("shown only once")
    await expect(visitor.page.locator("#new-key")).to_be_focused()
    await expect(visitor.page.locator("#curl")).to_contain_text(f"Bearer {token}")
    await expect(visitor.page.locator("#curl")).to_contain_text(visitor.origin)
    key = key_of(visitor, "Kitchen display")
    await expect(key).to_contain_text("never")

    assert await ask(visitor, token) == 202
    await openrouter.wait_idle()

    # Uses are written down once a minute.
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE api_keys SET last_used_at = now()")
    await visitor.reload()
    await expect(key).to_contain_text("just now")
    await expect(key).to_contain_text("New facts today: 1")
    await expect(key.get_by_role("progressbar")).to_be_visible()
    # What was shown once is nowhere any more.
    assert token not in await visitor.page.content()
    await key.get_by_role("button", name="Revoke").click()
    question = visitor.page.get_by_role("alertdialog", name="Revoke “Kitchen display”?")
    await expect(question.get_by_role("button", name="Keep it")).to_be_focused()
    await question.get_by_role("button", name="Revoke it").click()
    await expect(visitor.toast).to_contain_text("Revoked")
    await expect(key).to_contain_text("Revoked on")
    await expect(key.get_by_role("button")).to_have_count(0)
    await until_turned_away(visitor, token)


async def test_the_question_is_waved_away_with_the_keyboard(visitor: Visitor):
    await visitor.open("/keys")
    await make_key(visitor, "Robot")
    revoke = key_of(visitor, "Robot").get_by_role("button", name="Revoke")
    await revoke.focus()
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("button", name="Keep it").first).to_be_focused()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.page.get_by_role("alertdialog")).to_have_count(0)
    await expect(revoke).to_be_focused()
    await expect(key_of(visitor, "Robot")).to_have_attribute("data-over", "no")


async def test_a_key_is_exchanged_and_both_work_for_a_while(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await visitor.open("/keys")
    old = await make_key(visitor, "Robot")
    await key_of(visitor, "Robot").get_by_role("button", name="Rotate").click()
    await expect(visitor.page.locator("#new-key")).to_contain_text("24 hours")
    await expect(visitor.page.locator("#token")).not_to_have_text(old)
    new = await visitor.page.locator("#token").inner_text()
    assert [await ask(visitor, token) for token in (old, new)] == [202, 202]
    await expect(visitor.page.locator("#keys [data-key]")).to_have_count(1)


async def test_pressing_twice_makes_one_key(visitor: Visitor):
    await visitor.open("/keys")
    await visitor.page.locator("#key-name").fill("Twice")
    await visitor.page.locator("#make-key").dblclick()
    await expect(visitor.page.locator("#token")).to_have_text(TOKEN)
    assert len((await visitor.read("/api/keys"))["items"]) == 1


async def test_the_key_is_copied_and_put_away(visitors: NewVisitor):
    visitor = await visitors(permissions=["clipboard-read", "clipboard-write"])
    await visitor.open("/keys")
    token = await make_key(visitor, "Robot")
    await visitor.page.locator("#copy-key").click()
    await expect(visitor.toast).to_contain_text("Copied")
    assert await visitor.page.evaluate("navigator.clipboard.readText()") == token
    await visitor.page.locator("#forget-key").click()
    await expect(visitor.page.locator("#new-key")).to_have_count(0)
    await expect(key_of(visitor, "Robot")).to_be_visible()


async def test_a_key_that_may_nothing_or_one_too_many_is_refused_in_words(visitor: Visitor):
    await visitor.open("/keys")
    for number in range(5):
        await make_key(visitor, f"Robot {number}")
    await visitor.page.locator("#key-name").fill("Robot 6")
    await visitor.page.locator("#make-key").click()
    refused = visitor.page.locator("#key-refused")
    await expect(refused).to_have_text(re.compile(r"\w+ \w+.*\."))
    await expect(visitor.page.locator("#keys [data-key]")).to_have_count(5)
    await expect_good_for_everybody(visitor)


async def test_signing_out_everywhere_makes_a_stranger_of_every_browser(
    make: Factories, visitor: Visitor
):
    factoid = await make.factoid()
    await visitor.open(f"/f/{factoid.id}")
    await visitor.card(factoid.id).vote(1)
    await visitor.card(factoid.id).expect_votes(up=1, down=0, mine=1)
    await visitor.open("/keys")
    token = await make_key(visitor, "Robot")
    visitor.forgive(CLOSING)
    await visitor.page.get_by_role("button", name="Sign out everywhere").click()
    await visitor.page.get_by_role("button", name="Sign out", exact=True).click()
    await visitor.page.wait_for_url(visitor.origin + "/")
    await visitor.until_usable()
    await visitor.card(factoid.id).expect_votes(up=1, down=0, mine=0)
    await visitor.open("/keys")
    await expect(visitor.page.locator("#no-keys")).to_be_visible()
    await until_turned_away(visitor, token)


async def test_the_page_of_keys_is_good_for_everybody(visitor: Visitor):
    await visitor.open("/keys")
    await expect(visitor.page.locator("#no-keys")).to_be_visible()
    await expect(visitor.page.locator('meta[name="robots"]')).to_have_attribute(
        "content", "noindex"
    )
    await expect_good_for_everybody(visitor)
    await make_key(visitor, "Kitchen display")
    await expect_good_for_everybody(visitor)
    await key_of(visitor, "Kitchen display").get_by_role("button", name="Revoke").click()
    await expect(visitor.page.get_by_role("alertdialog")).to_be_visible()
    await expect_good_for_everybody(visitor)
