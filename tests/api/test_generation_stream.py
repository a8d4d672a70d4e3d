"""Watching and cancelling a generation over real HTTP: a granian, a worker and the stand-in."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import pytest

from tests.fixtures.generation import MODEL, completions
from tests.processes import Running, RunningAPI, running_api, running_worker, until


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
async def started_worker(empty_database: None, started_standin) -> AsyncGenerator[Running]:
    async with running_worker(
        OPENROUTER_BASE_URL=started_standin.base_url, MODELS_ALLOWED=MODEL
    ) as worker:
        yield worker


@pytest.fixture
async def visitor(
    database, standin, model, started_worker, served_api
) -> AsyncGenerator[httpx.AsyncClient]:
    """A visitor's client of the API, with a worker behind it."""
    async with served_api.client() as client:
        yield client


async def test_a_request_is_accepted_watched_and_answered(visitor, standin):
    asked = await _ask(visitor, "honey")

    events = await _follow(visitor, asked["stream_url"])

    receipt = (await visitor.get(f"/api/factoids/generate/{asked['id']}")).json()
    names = [event.name for event in events]
    assert names[0] == "status"
    assert names[-1] == "factoid"
    assert "token" in names
    assert len({event.id for event in events}) == len(events)
    factoid = events[-1].data
    written = [event.data["text"] for event in events if event.name == "token"]
    assert "".join(written) == factoid["text"] == receipt["factoid"]["text"]
    (call,) = completions(await standin.log())
    assert receipt["status"] == "succeeded"
    assert receipt["receipt"] | {"first_token_s": None, "total_s": None} == {
        "model": MODEL,
        "provider": "Openai",
        "prompt_tokens": receipt["receipt"]["prompt_tokens"],
        "completion_tokens": call["completion_tokens"],
        "cost_usd": receipt["factoid"]["cost_usd"],
        "cost_source": "usage",
        "first_token_s": None,
        "total_s": None,
        "prompt_version": receipt["receipt"]["prompt_version"],
        "calls": 1,
        "credit": None,
    }
    assert float(receipt["receipt"]["cost_usd"]) == float(call["billed_cost"])


async def test_one_can_go_on_watching_after_any_event(visitor):
    asked = await _ask(visitor, "honey")
    events = await _follow(visitor, asked["stream_url"])

    for place in range(len(events) - 1):
        assert await _follow(visitor, asked["stream_url"], events[place].id) == events[place + 1 :]

    seen_all = await _get_stream(visitor, asked["stream_url"], events[-1].id)
    assert seen_all.status_code == 204
    assert await _follow(visitor, asked["stream_url"], "nonsense") == events


async def test_an_answer_can_be_watched_on_when_redis_was_emptied(visitor, redis):
    asked = await _ask(visitor, "honey")
    events = await _follow(visitor, asked["stream_url"])

    await redis.flushdb()

    (last,) = await _follow(visitor, asked["stream_url"], events[2].id)
    assert (last.name, last.data) == (events[-1].name, events[-1].data)
    assert (await _get_stream(visitor, asked["stream_url"], last.id)).status_code == 204


async def test_one_can_go_on_watching_after_the_api_was_restarted(visitor, served_api, standin):
    # One API of this test's own, since the other tests need theirs.
    async with running_api() as api, api.client(cookies=visitor.cookies) as client:
        asked = await _ask(client, "[[scenario:gated]] bees")
        seen = await _follow(client, asked["stream_url"], until_name="token")
        cookies, port = client.cookies, int(api.url.rpartition(":")[2])
        await api.kill()

        async with running_api(port) as again, again.client(cookies=cookies) as client:
            await standin.open()
            rest = await _follow(client, asked["stream_url"], seen[-1].id)

    text = "".join(event.data["text"] for event in [*seen, *rest] if event.name == "token")
    assert rest[-1].name == "factoid"
    assert text == rest[-1].data["text"]


async def test_a_silent_stream_has_a_heartbeat_before_proxies_give_up(visitor, standin):
    asked = await _ask(visitor, "[[scenario:gated]] bees")

    async with (
        visitor.stream("GET", asked["stream_url"]) as stream,
        aclosing(lines_of(stream)) as lines,
    ):
        async for line in lines:
            if line == ": ping":
                break
            assert not line.startswith("event: error"), "it ended before a heartbeat was sent"

    await standin.open()
    assert (await _follow(visitor, asked["stream_url"]))[-1].name == "factoid"


async def test_cancelling_closes_the_connection_to_the_model(visitor, standin):
    asked = await _ask(visitor, "[[scenario:gated]] bees")
    url = f"/api/factoids/generate/{asked['id']}"
    seen = await _follow(visitor, asked["stream_url"], until_name="token")

    async def closed_at_s() -> float | None:
        return completions(await standin.log())[0]["client_closed_at_s"]

    await standin.wait_at_gate()
    cancelled = await visitor.delete(url)
    await visitor.delete(url)
    await until(closed_at_s, "the connection to the model to be closed")
    events = await _follow(visitor, asked["stream_url"], seen[-1].id)

    assert cancelled.status_code == 200
    assert (events[-1].name, events[-1].data["code"]) == ("error", "cancelled")

    async def settled() -> dict[str, Any] | None:
        state: dict[str, Any] = (await visitor.get(url)).json()
        return state if state["receipt"]["cost_usd"] is not None else None

    state = await until(settled, "the cost of the cancelled request")
    log = await standin.wait_idle()
    assert state["status"] == "cancelled"
    assert state["factoid"] is None
    assert float(state["receipt"]["cost_usd"]) == float(log["total_cost"]) > 0
    assert (await visitor.delete(url)).json()["status"] == "cancelled"


async def test_what_is_over_cannot_be_cancelled(visitor):
    asked = await _ask(visitor, "honey")
    await _follow(visitor, asked["stream_url"])

    refused = await visitor.delete(f"/api/factoids/generate/{asked['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "generation_finished")


async def test_somebody_elses_request_is_nobodys_business(visitor, served_api):
    asked = await _ask(visitor, "honey")

    async with served_api.client() as stranger:
        await _ask(stranger, "glaciers")
        answers = [
            await stranger.get(f"/api/factoids/generate/{asked['id']}"),
            await stranger.get(asked["stream_url"]),
            await stranger.delete(f"/api/factoids/generate/{asked['id']}"),
        ]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {
        (404, "generation_not_found")
    }


async def test_whoever_prefers_to_wait_gets_the_factoid_at_once(visitor):
    answer = await visitor.post(
        "/api/factoids/generate", json={"topic": "honey"}, headers={"Prefer": "wait=30"}
    )

    assert answer.status_code == 201
    assert answer.headers["Preference-Applied"] == "wait=30"
    assert answer.json()["factoid"]["text"]


async def test_whoever_waits_in_vain_is_told_where_to_look(visitor, standin):
    answer = await visitor.post(
        "/api/factoids/generate",
        json={"topic": "[[scenario:gated]] bees"},
        headers={"Prefer": "respond-async, wait=1"},
    )
    await standin.open()

    assert answer.status_code == 202
    assert answer.json()["factoid"] is None
    assert (await _follow(visitor, answer.json()["stream_url"]))[-1].name == "factoid"


async def test_a_failure_is_told_in_words(visitor, standin):
    await standin.queue("refusal")
    asked = await _ask(visitor, "something")

    last = (await _follow(visitor, asked["stream_url"]))[-1]

    state = (await visitor.get(f"/api/factoids/generate/{asked['id']}")).json()
    assert (last.name, last.data["code"]) == ("error", "model_declined")
    assert "declined to write about that" in last.data["detail"]
    assert state["problem"]["detail"] == last.data["detail"]


async def test_one_id_goes_from_the_request_to_the_job_and_to_the_model(
    visitor, standin, started_worker
):
    answer = await visitor.post("/api/factoids/generate", json={"topic": "honey"})
    await _follow(visitor, answer.json()["stream_url"])

    request_id = answer.headers["X-Request-Id"]
    (call,) = completions(await standin.log())
    assert call["body"]["metadata"]["request_id"] == request_id
    assert f"request_id={request_id}" in started_worker.log


async def lines_of(stream: httpx.Response) -> AsyncGenerator[str]:
    async for line in stream.aiter_lines():
        yield line


async def _ask(client: httpx.AsyncClient, topic: str) -> dict[str, Any]:
    answer = await client.post("/api/factoids/generate", json={"topic": topic})
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"/api/factoids/generate/{answer.json()['id']}"
    return answer.json()


async def _get_stream(client: httpx.AsyncClient, url: str, after: str) -> httpx.Response:
    return await client.get(url, headers={"Last-Event-ID": after})


async def _follow(
    client: httpx.AsyncClient, url: str, after: str | None = None, *, until_name: str = ""
) -> list[Event]:
    """Every event from after one until the stream ends, or the first of a name."""
    headers = {"Last-Event-ID": after} if after else {}
    events: list[Event] = []
    async with client.stream("GET", url, headers=headers) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async with aclosing(lines_of(stream)) as lines:
            async for line in lines:
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                    continue
                if "data" in fields:
                    data = msgspec.json.decode(fields["data"])
                    events.append(Event(fields["id"], fields["event"], data))
                    if fields["event"] == until_name:
                        break
                fields = {}
    return events
