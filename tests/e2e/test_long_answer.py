"""A long answer in a real browser: what is written stays as it is while the rest comes."""

from playwright.async_api import WebSocket, expect
from redis.asyncio import Redis
from sqlalchemy import select

from db.models import ChatTurn
from db.session import Database
from domain.chat.kind import CHAT_TURNS
from domain.model_runs.event_log import EventWriter
from domain.model_runs.progress import ProgressWriter
from tests.e2e.browser import Visitor
from tests.e2e.test_chat import WRITING, answers, ask, begin
from tests.standins.openrouter.running import RunningOpenRouter

PARAGRAPHS = 60

MARK = """(one) => { one.marked = true; }"""
NOTE_CHANGES = """(list) => {
  globalThis.changes = 0;
  const old = list.children[1];
  new MutationObserver((all) => { changes += all.length; })
    .observe(old, {subtree: true, childList: true, characterData: true, attributes: true});
}"""


async def test_what_is_written_is_neither_sent_nor_drawn_again(
    openrouter: RunningOpenRouter, visitor: Visitor, database: Database, redis: Redis
):
    page, writing = visitor.page, visitor.page.locator(WRITING)
    received: list[int] = []

    def count(socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: received.append(len(payload)))

    page.on("websocket", count)
    await openrouter.say("They dance.")
    await begin(visitor, "What do bees do?")
    await expect(answers(page)).to_have_count(1)
    await openrouter.queue("gated:1")
    await ask(visitor, "Tell me all about it.")
    await openrouter.wait_at_gate()
    await expect(writing).to_be_visible()
    await page.locator("#talk").evaluate(NOTE_CHANGES)

    async with database.sessions() as session:
        newest = select(ChatTurn).order_by(ChatTurn.created_at.desc()).limit(1)
        turn = (await session.scalars(newest)).one()
    progress = ProgressWriter(EventWriter(redis), CHAT_TURNS, turn.id)
    at, sent = 0, [sum(received)]
    for number in range(PARAGRAPHS):
        text = f"Paragraph {number} on what bees do when they are at home in their hive.\n\n"
        token = {"message_id": str(turn.answer_id), "at": at, "text": text}
        await progress.write("token", token)
        await expect(writing).to_contain_text(f"Paragraph {number} on")
        at += len(text)
        sent.append(sum(received))
        if number == 1:
            await writing.locator("> :first-child").evaluate(MARK)

    middle = PARAGRAPHS // 2
    assert sent[-1] - sent[middle] < 1.3 * (sent[middle] - sent[0])
    await expect(writing.locator("> *")).to_have_count(PARAGRAPHS)
    assert await writing.locator("> :first-child").evaluate("(one) => one.marked")
    assert await page.evaluate("changes") == 0
    await openrouter.open()
    await expect(answers(page)).to_have_count(2)


async def test_a_tab_that_does_nothing_shows_what_is_asked_in_another(
    openrouter: RunningOpenRouter, visitor: Visitor
):
    await openrouter.say("They dance.", "They sing.")
    await begin(visitor, "What do bees do?")
    await expect(answers(visitor.page)).to_contain_text("They dance.")
    idle = await visitor.open_tab(visitor.page.url.removeprefix(visitor.origin))
    await expect(answers(idle.page)).to_contain_text("They dance.")
    await expect(idle.page.locator("#price")).not_to_be_empty()

    await ask(visitor, "And at night?")
    await expect(answers(idle.page).last).to_contain_text("They sing.")

    await openrouter.say("In winter they", held=True)
    await ask(visitor, "And in winter?")
    await openrouter.wait_at_gate()
    await expect(idle.page.locator(WRITING)).to_contain_text("In winter they")
    await openrouter.open()
    await expect(answers(idle.page)).to_have_count(3)
