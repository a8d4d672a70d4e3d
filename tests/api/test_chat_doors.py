"""What of a chat gets out: by its link, as a file, and when it is deleted not at all."""

from uuid import uuid4

import pytest

from api.chat_markdown import chat_markdown
from api.mappers.chats import chat_out
from tests.configuration import settings
from tests.fixtures.chat import anew
from tests.fixtures.generation import MODEL


async def shared_texts(chat_harness, chat):
    shared = await chat_harness.chats.shared(chat.session.share_token)
    return [one.text for one in shared.messages]


async def test_a_link_shows_nothing_of_an_answer_that_was_still_being_written(
    chat_harness, standin
):
    await standin.say("Said later.")
    asked = await chat_harness.send(await chat_harness.begin(), "bees?")
    chat = await chat_harness.chats.share(chat_harness.caller, asked.chat.session.id)
    assert await shared_texts(chat_harness, chat) == ["bees?"]

    chat = await chat_harness.finish(asked)

    assert chat.shown[-1].text == "Said later."
    assert await shared_texts(chat_harness, chat) == ["bees?"]


async def test_what_a_shared_answer_goes_on_with_is_not_shared(chat_harness, standin):
    chat = await chat_harness.say(await chat_harness.begin(), "[[scenario:cut:4]] bees?")
    chat_id, broken = chat.session.id, chat.shown[-1]
    await chat_harness.chats.share(chat_harness.caller, chat_id)
    await standin.say(" And more.")

    chat = await chat_harness.finish(
        await chat_harness.turns.continue_answer(chat_harness.caller, chat_id, broken.id, anew())
    )

    assert await shared_texts(chat_harness, chat) == [chat.shown[0].text, broken.text]
    assert chat.shown[-1].text == f"{broken.text} And more."
    again = await chat_harness.chats.share(chat_harness.caller, chat_id)
    assert await shared_texts(chat_harness, again) == [one.text for one in chat.shown]


async def test_a_page_cannot_bend_the_file_its_name_is_in(searching_harness, standin, tavily):
    tavily.pages = [
        {
            "title": "<img src=x onerror=alert(1)> \\",
            "url": "https://pages.test/>)[click](<javascript:alert(1)",
            "content": "x",
        }
    ]
    await standin.call(("web_search", {"query": "bees"}))
    await standin.say("Yes [1].")

    written = chat_markdown(
        chat_out(await searching_harness.say(await searching_harness.begin(), "bees?"), settings)
    )

    address = "https://pages.test/%3E)[click](%3Cjavascript:alert(1)"
    assert written.endswith(f"1. [\\<img src=x onerror=alert(1)> \\\\](<{address}>)\n")


@pytest.mark.parametrize("kept", ["chat", "message"])
async def test_a_deleted_chat_is_not_told_to_a_repeat(api, make, kept):
    await make.model(MODEL)
    key = {"Idempotency-Key": str(uuid4())}
    chat = await api.post("/api/chats", json={"title": "Private"}, headers=key)
    path = f"/api/chats/{chat.json()['id']}"
    said = {"json": {"text": "Private"}, "headers": key}
    await api.post(f"{path}/messages", **said)

    await api.delete(path)

    if kept == "message":
        assert (await api.post(f"{path}/messages", **said)).status_code == 404
    else:
        again = await api.post("/api/chats", json={"title": "Private"}, headers=key)
        assert again.json()["id"] != chat.json()["id"]
