"""Watching, stopping and going on with a chat's answer over real HTTP: a granian, a worker and
the stand-in.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fixtures.generation import MODEL, completions
from tests.processes import RunningAPI, running_api, running_worker, until


@dataclass
class Event:
    id: str
    name: str
    data: dict[str, Any]


@pytest.fixture(scope="module")
async def served_api(empty_database: None) -> AsyncGenerator[RunningAPI]:
    async with running_api() as api:
        yield api


@pytest.fixture(scope="module")
async def started_worker(empty_database: None, started_standin) -> AsyncGenerator[None]:
    async with running_worker(OPENROUTER_BASE_URL=started_standin.base_url, MODELS_ALLOWED=MODEL):
        yield


@pytest.fixture
async def visitor(
    database, standin, model, started_worker, served_api
) -> AsyncGenerator[httpx.AsyncClient]:
    async with served_api.client() as client:
        yield client


async def begin(client: httpx.AsyncClient) -> str:
    return (await client.post("/api/chats", json={})).json()["id"]


async def say(client: httpx.AsyncClient, chat_id: str, text: str) -> dict[str, Any]:
    answer = await client.post(f"/api/chats/{chat_id}/messages", json={"text": text})
    assert answer.status_code == 202, answer.text
    return answer.json()


async def read(
    client: httpx.AsyncClient, chat_id: str, after: str | None = None, *, until_name: str = ""
) -> list[Event]:
    """The events of the stream to its end, or to the first of a name."""
    headers = {"Last-Event-ID": after} if after else {}
    found: list[Event] = []
    async with client.stream("GET", f"/api/chats/{chat_id}/stream", headers=headers) as stream:
        assert stream.status_code == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
                continue
            if "event" in fields:
                data = json.loads(fields["data"])
                found.append(Event(fields["id"], fields["event"], data))
                if fields["event"] == until_name:
                    return found
            fields = {}
    return found


def text_of(events: list[Event], known: str = "") -> str:
    for event in events:
        if event.name == "token":
            known = known[: event.data["at"]] + event.data["text"]
    return known


async def status(client: httpx.AsyncClient, chat_id: str, after: str) -> int:
    path = f"/api/chats/{chat_id}/stream"
    return (await client.get(path, headers={"Last-Event-ID": after})).status_code


async def test_an_answer_is_watched_from_anywhere_in_it_and_from_a_second_tab(visitor, standin):
    chat_id = await begin(visitor)
    await standin.call(("search_factoids", {"query": "bees"}))
    asked = await say(visitor, chat_id, "What do bees do?")

    first, second = await asyncio.gather(read(visitor, chat_id), read(visitor, chat_id))

    assert first == second
    assert first[0].name == "status"
    assert first[-1].name == "message"
    assert {"tool_call", "tool_result", "token", "usage"} <= {one.name for one in first}
    message = first[-1].data
    assert message["id"] == asked["answer_id"]
    assert message["status"] == "done"
    assert text_of(first) == message["text"]
    for place in range(len(first) - 1):
        assert await read(visitor, chat_id, first[place].id) == first[place + 1 :]
    assert await status(visitor, chat_id, first[-1].id) == 204
    shown = (await visitor.get(f"/api/chats/{chat_id}")).json()
    assert [one["text"] for one in shown["messages"]] == ["What do bees do?", message["text"]]
    assert shown["status"] == "idle"


async def test_an_answer_is_there_when_redis_was_emptied(visitor, redis):
    chat_id = await begin(visitor)
    await say(visitor, chat_id, "What do bees do?")
    events = await read(visitor, chat_id)

    await redis.flushdb()

    (last,) = await read(visitor, chat_id, events[0].id)
    assert (last.name, last.data) == ("message", events[-1].data)
    assert await status(visitor, chat_id, last.id) == 204


async def test_a_reader_who_saw_the_end_of_one_answer_is_shown_the_next(visitor, redis):
    chat_id = await begin(visitor)
    await say(visitor, chat_id, "What do bees do?")
    seen = await read(visitor, chat_id)
    await redis.flushdb()
    (ended,) = await read(visitor, chat_id, seen[-1].id)

    await say(visitor, chat_id, "And wasps?")

    for before in (seen[-1].id, ended.id):
        assert (await read(visitor, chat_id, before))[-1].data["id"] != seen[-1].data["id"]


async def test_an_answer_is_stopped_from_elsewhere_and_goes_on_when_asked(
    visitor, standin, served_api
):
    chat_id = await begin(visitor)
    asked = await say(visitor, chat_id, "[[scenario:gated:4]] What do bees do?")
    await standin.wait_at_gate()
    seen = await read(visitor, chat_id, until_name="token")

    async with served_api.client(cookies=visitor.cookies) as other:
        busy = await other.post(f"/api/chats/{chat_id}/messages", json={"text": "And wasps?"})
        stopped = await other.delete(f"/api/chats/{chat_id}/turns/current")
        again = await read(other, chat_id, seen[-1].id)

    assert (busy.status_code, busy.json()["code"]) == (409, "turn_under_way")
    assert (stopped.status_code, stopped.json()["id"]) == (200, asked["id"])
    log = await standin.wait_idle()
    assert completions(log)[-1]["client_closed_at_s"] is not None
    assert again[-1].name == "message"
    kept = again[-1].data
    assert kept["status"] == "stopped"
    assert kept["text"] == text_of([*seen, *again]) != ""
    nothing = await visitor.delete(f"/api/chats/{chat_id}/turns/current")
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_under_way")

    await standin.say("and that is all.")
    path = f"/api/chats/{chat_id}/messages/{kept['id']}/continue"
    assert (await visitor.post(path)).status_code == 202
    rest = await read(visitor, chat_id)

    assert rest[-1].data["id"] == kept["id"]
    assert rest[-1].data["text"] == text_of(rest, kept["text"])
    assert rest[-1].data["text"].startswith(kept["text"])
    assert len(rest[-1].data["text"]) > len(kept["text"])

    async def settled() -> bool:
        chat = (await visitor.get(f"/api/chats/{chat_id}")).json()
        return chat["usage"]["settled"]

    await until(settled, "the bill to be settled")


async def test_a_chat_without_a_question_has_nothing_to_follow(visitor):
    chat_id = await begin(visitor)

    assert (await visitor.get(f"/api/chats/{chat_id}/stream")).status_code == 204


async def test_an_answer_goes_on_while_the_api_is_restarted(visitor, standin):
    # One API of this test's own, since the other tests need theirs.
    async with running_api() as api, api.client(cookies=visitor.cookies) as client:
        chat_id = await begin(client)
        await say(client, chat_id, "[[scenario:gated:4]] What do bees do?")
        seen = await read(client, chat_id, until_name="token")
        cookies, port = client.cookies, int(api.url.rpartition(":")[2])
        await api.kill()

        async with running_api(port) as again, again.client(cookies=cookies) as client:
            await standin.wait_at_gate()

            async def kept():
                answer = (await client.get(f"/api/chats/{chat_id}")).json()["messages"][-1]
                return answer if answer["text"] else None

            # What was told is kept every few seconds.
            known = await until(kept, "what was told to be kept")
            await standin.open()
            rest = await read(client, chat_id, seen[-1].id)
            whole = await read(client, chat_id)

    assert known["status"] == "writing"
    assert rest[-1].name == whole[-1].name == "message"
    # Whether one goes on from what was told or begins with what was kept, it is the same.
    assert text_of([*seen, *rest]) == text_of(whole, known["text"]) == rest[-1].data["text"]


async def test_every_answer_asked_for_is_heard_of_wherever_the_chat_is_open(
    visitor, served_api, standin
):
    chat_id, other_id = await begin(visitor), await begin(visitor)
    first = await say(visitor, chat_id, "What do bees do?")
    await read(visitor, chat_id)
    asked, heard = [first["id"]], list[str]()
    async with visitor.stream("GET", f"/api/chats/{chat_id}/live") as stream:
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name != "data":
                continue
            heard.append(json.loads(value)["turn_id"])
            if len(heard) == 2:
                break
            await say(visitor, other_id, "And wasps?")
            asked.append((await say(visitor, chat_id, "And in winter?"))["id"])

    assert heard == asked
    async with served_api.client() as stranger:
        assert (await stranger.get(f"/api/chats/{chat_id}/live")).status_code == 404
    await read(visitor, chat_id)
    await read(visitor, other_id)
