"""The stand-in for OpenRouter keeps to the wire: over real HTTP, as a process of its own."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.standins.openrouter.catalogue import MODELS
from tests.standins.openrouter.running import RunningOpenRouter, running_openrouter
from tests.standins.openrouter.scenarios import FAILURES, SCENARIOS

pytestmark = pytest.mark.anyio

OTTERS = "Sea otters hold hands while they sleep so that they do not drift apart."
VENUS = "A day on Venus is longer than its year: “day” is a matter of naïve habit."
HONEY = "Honey found in ancient tombs can still be eaten."
FACTS = [
    {"text": OTTERS, "subject": "Sea otters", "emoji": "🦦", "category": "animals"},
    {"text": VENUS, "subject": "Venus", "emoji": "🪐", "category": "space"},
    {"text": HONEY, "subject": "Honey", "emoji": "🍯", "category": "food"},
]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "factoid", "strict": True, "schema": {"type": "object"}},
}
FACT_TOOL = {
    "type": "function",
    "function": {
        "name": "publish_factoid",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
    },
}
SEARCH_TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}}},
    },
}
NEVER_ANSWERED = {"hang-before-headers", "gated-headers"}
NEVER_ENDING = {"hang-mid-stream", "drip", "gated", "gated-end"}
LARGE = {"huge": "huge:1", "gzip-bomb": "gzip-bomb:1"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def facts_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("facts") / "facts.json"
    path.write_text(json.dumps(FACTS), "utf-8")
    return path


@pytest.fixture(scope="module")
async def running(facts_path: Path) -> AsyncGenerator[RunningOpenRouter, None]:
    async with running_openrouter(facts=facts_path) as openrouter:
        yield openrouter


@pytest.fixture
async def openrouter(running: RunningOpenRouter) -> RunningOpenRouter:
    await running.reset()
    return running


@pytest.fixture
async def http(openrouter: RunningOpenRouter) -> AsyncGenerator[httpx.AsyncClient, None]:
    async with httpx.AsyncClient(
        base_url=openrouter.base_url,
        headers={"authorization": "Bearer sk-or-v1-test"},
        trust_env=False,
        timeout=30,
    ) as client:
        yield client


def ask(topic: str = "none", **fields: Any) -> dict[str, Any]:
    """A request body for one fact about a topic."""
    said = f"Write one fact as JSON.\n\nTopic: {json.dumps(topic) if topic != 'none' else topic}"
    model = {"model": "openai/gpt-4o-mini", "response_format": SCHEMA}
    return model | {"messages": [{"role": "user", "content": said}]} | fields


@asynccontextmanager
async def streaming(http: httpx.AsyncClient, **fields: Any) -> AsyncGenerator[httpx.Response, None]:
    body = ask(stream=True, **fields)
    async with http.stream("POST", "/chat/completions", json=body) as answer:
        yield answer


async def complete(http: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await http.post("/chat/completions", json=ask(**fields))
    return json.loads(answer.raise_for_status().text, parse_float=Decimal)


def said(answer: dict[str, Any]) -> str:
    return answer["choices"][0]["message"]["content"]


def fact_in(answer: dict[str, Any]) -> str:
    return json.loads(said(answer))["text"]


def events_in(raw: bytes) -> list[dict[str, Any]]:
    """The JSON events of a stream without its comments and its end."""
    data = [block[6:] for block in raw.decode().split("\n\n") if block.startswith("data: ")]
    return [json.loads(one, parse_float=Decimal) for one in data if one != "[DONE]"]


def written_in(events: list[dict[str, Any]]) -> str:
    choices = [choice for event in events for choice in event["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)


async def collect(answer: httpx.Response, received: list[bytes]) -> None:
    """Read a body to its end, and keep what came when it breaks off."""
    async for piece in answer.aiter_raw():
        received.append(piece)  # noqa: PERF401 - a comprehension would lose what came


async def read_tokens(answer: httpx.Response, count: int) -> int:
    """Read a stream up to its n-th token."""
    seen = 0
    async for line in answer.aiter_lines():
        seen += line.startswith("data: {")
        if seen == count:
            break
    return seen


async def test_a_stream_survives_being_cut_at_every_byte(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.queue("ok-stream-keepalives")

    async with streaming(http, topic="Venus") as answer:
        pieces = [piece async for piece in answer.aiter_raw(chunk_size=1)]

    raw = b"".join(pieces)
    events = events_in(raw)
    assert raw.startswith(b": OPENROUTER PROCESSING\n\n" * 3)
    assert raw.endswith(b"data: [DONE]\n\n")
    assert json.loads(written_in(events))["text"] == VENUS
    assert events[-1]["choices"] == []
    assert {event["id"] for event in events} == {answer.headers["x-generation-id"]}


async def test_every_price_agrees_in_the_answer_the_log_and_the_record(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    async with streaming(http) as answer:
        streamed = events_in(await answer.aread())[-1]
    whole = await complete(http, model="perplexity/sonar", response_format=None)
    records = [
        json.loads(
            (await http.get("/generation", params={"id": one["id"]})).text, parse_float=Decimal
        )
        for one in (streamed, whole)
    ]
    log = await openrouter.log()

    costs = [streamed["usage"]["cost"], whole["usage"]["cost"]]
    usage = streamed["usage"]
    assert costs[0] == usage["prompt_tokens"] * Decimal("0.00000015") + (
        usage["completion_tokens"] * Decimal("0.0000006")
    )
    assert costs[1] > Decimal("0.005"), "a price per request is part of the cost"
    assert [record["data"]["total_cost"] for record in records] == costs
    assert [Decimal(one["billed_cost"]) for one in log["requests"] if one["generation_id"]] == [
        *costs
    ]
    assert Decimal(log["total_cost"]) == sum(costs)


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        pytest.param({}, "bare", id="a schema gets bare JSON"),
        pytest.param({"tools": [FACT_TOOL], "response_format": None}, "tool", id="a tool, a call"),
        pytest.param({"model": "microsoft/phi-4"}, "fenced", id="neither, maybe fenced JSON"),
    ],
)
async def test_the_fact_comes_in_the_form_the_model_can_do(
    http: httpx.AsyncClient, fields: dict[str, Any], form: str
) -> None:
    answer = await complete(http, topic="otters", **fields)

    message = answer["choices"][0]["message"]
    if form == "tool":
        written = message["tool_calls"][0]["function"]["arguments"]
        assert answer["choices"][0]["finish_reason"] == "tool_calls"
    else:
        written = message["content"]
    if form == "fenced":
        written = written.partition("```json\n")[2].partition("```")[0]
    assert json.loads(written) == FACTS[0]


async def test_a_chat_looks_something_up_and_then_talks(http: httpx.AsyncClient) -> None:
    asked = {"role": "user", "content": "What do otters do at night?"}
    chat = {"response_format": None, "tools": [SEARCH_TOOL]}

    looking_up = await complete(http, messages=[asked], **chat)
    found = {"role": "tool", "tool_call_id": "call_1", "content": "[]"}
    talking = await complete(http, messages=[asked, found], **chat)

    call = looking_up["choices"][0]["message"]["tool_calls"][0]["function"]
    assert json.loads(call["arguments"]) == {"q": asked["content"]}
    assert OTTERS in said(talking)


def calls_in(events: list[dict[str, Any]]) -> dict[int, list[str]]:
    """For each place the name of the tool called and its arguments, put together."""
    calls: dict[int, list[str]] = {}
    for event in events:
        for choice in event["choices"]:
            for part in choice["delta"].get("tool_calls", []):
                call = calls.setdefault(part["index"], [part["function"].get("name", ""), ""])
                call[1] += part["function"]["arguments"]
    return calls


async def test_tools_are_called_in_pieces_after_what_is_said(
    http: httpx.AsyncClient, openrouter: RunningOpenRouter
) -> None:
    await openrouter.call(("search", {"q": "otters"}), ("search", "{broken"), said="Let me look.")

    async with streaming(http, tools=[SEARCH_TOOL], response_format=None) as answer:
        events = events_in(await answer.aread())

    assert written_in(events) == "Let me look."
    assert calls_in(events) == {0: ["search", '{"q": "otters"}'], 1: ["search", "{broken"]}
    assert [one["choices"][0]["finish_reason"] for one in events if one["choices"]][-1] == (
        "tool_calls"
    )


@pytest.mark.parametrize(
    ("scenario", "number"),
    [("tool-loop", 1), ("tool-flood", 50), ("tool-unknown", 1), ("tool-bad-arguments", 2)],
)
async def test_a_model_misuses_its_tools_while_it_has_any(
    http: httpx.AsyncClient, scenario: str, number: int
) -> None:
    chat = {"messages": [{"role": "user", "content": f"[[scenario:{scenario}]] otters?"}]}

    async with streaming(http, tools=[SEARCH_TOOL], response_format=None, **chat) as answer:
        events = events_in(await answer.aread())
    without = await complete(http, response_format=None, **chat)

    assert len(calls_in(events)) == number
    assert written_in(events) == ""
    assert OTTERS in said(without)


async def test_no_fact_is_told_twice_or_is_one_the_prompt_holds(http: httpx.AsyncClient) -> None:
    known = f"Facts already published:\n- {json.dumps(VENUS)}\n\nWrite JSON.\nTopic: none"

    told = [
        fact_in(await complete(http, messages=[{"role": "user", "content": known}]))
        for _ in range(2)
    ]

    assert sorted(told) == sorted([OTTERS, HONEY])


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        pytest.param(f"Facts already published:\n- {HONEY}\n", HONEY, id="a fact of its own"),
        pytest.param('Already published\n["Bees dance."]\n', "Bees dance.", id="a foreign fact"),
    ],
)
async def test_a_duplicate_repeats_what_the_prompt_holds(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient, heading: str, expected: str
) -> None:
    await openrouter.queue("duplicate")
    messages = [{"role": "user", "content": f"{heading}\nWrite JSON.\nTopic: none"}]

    assert fact_in(await complete(http, messages=messages)) == expected


async def test_a_near_duplicate_changes_the_previous_answer_a_little(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    first = fact_in(await complete(http))
    await openrouter.queue("near-duplicate")
    second = fact_in(await complete(http))

    changed = [new for old, new in zip(first.split(), second.split(), strict=True) if old != new]
    assert changed == ["nearly"]


async def test_a_cut_stream_bills_the_tokens_sent(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.queue("cut:7")

    received = list[bytes]()
    async with streaming(http) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            await collect(answer, received)
    await openrouter.wait_idle()
    record = await http.get("/generation", params={"id": answer.headers["x-generation-id"]})

    assert len(events_in(b"".join(received))) == 7
    data = record.json()["data"]
    assert (data["tokens_completion"], data["finish_reason"]) == (7, None)
    assert data["total_cost"] > 0


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        pytest.param("openai/gpt-4o-mini", 5, id="a provider that stops bills what it sent"),
        pytest.param("google/gemini-2.5-flash-lite", 29, id="one that does not bills it all"),
    ],
)
async def test_a_cancelled_stream_is_billed_as_its_provider_does(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient, model: str, tokens: int
) -> None:
    await openrouter.queue("gated:5")

    async with streaming(http, model=model, topic="otters") as answer:
        assert await read_tokens(answer, 5) == 5
        await openrouter.wait_at_gate()
    log = await openrouter.wait_idle()
    record = await http.get("/generation", params={"id": answer.headers["x-generation-id"]})

    assert record.json()["data"]["cancelled"] is True
    assert record.json()["data"]["tokens_completion"] >= tokens
    assert (record.json()["data"]["tokens_completion"] == 5) == (tokens == 5)
    assert log["requests"][0]["client_closed_at_s"] is not None
    assert Decimal(log["total_cost"]) > 0


@pytest.mark.parametrize("scenario", ["gated", "gated:0", "gated-headers", "gated-end"])
@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain JSON"])
async def test_a_gated_answer_goes_on_once_opened(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient, scenario: str, stream: bool
) -> None:
    await openrouter.queue(scenario)
    await openrouter.open()

    answer = await http.post("/chat/completions", json=ask(stream=stream))

    usage = events_in(answer.content)[-1]["usage"] if stream else answer.json()["usage"]
    assert usage["cost"] > 0


async def test_who_leaves_before_the_headers_pays_nothing(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.queue("gated-headers")
    asking = asyncio.create_task(http.post("/chat/completions", json=ask(stream=True)))
    await openrouter.wait_at_gate()
    asking.cancel()

    log = await openrouter.wait_idle()

    assert log["requests"][0]["client_closed_at_s"] is not None
    assert log["total_cost"] == "0"


async def test_an_error_mid_stream_keeps_status_200_and_ends(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.queue("mid-stream-error:3")

    async with streaming(http) as answer:
        raw = await answer.aread()

    last = events_in(raw)[-1]
    assert answer.status_code == 200
    assert last["error"]["code"] == "server_error"
    assert last["choices"][0]["finish_reason"] == "error"
    assert b"[DONE]" not in raw
    assert (await openrouter.log())["requests"][0]["completion_tokens"] == 3


async def test_the_record_is_missing_three_times_and_then_there(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.queue("generation-404-3")

    answer = await complete(http)
    statuses = [
        (await http.get("/generation", params={"id": answer["id"]})).status_code for _ in range(4)
    ]

    assert "usage" not in answer
    assert statuses == [404, 404, 404, 200]


@pytest.mark.parametrize(
    ("scenario", "cost", "billed"),
    [
        pytest.param("cost-null", None, True, id="null in the answer, true in the bill"),
        pytest.param("cost-zero", 0, False, id="nothing"),
    ],
)
async def test_the_cost_may_be_odd(
    openrouter: RunningOpenRouter,
    http: httpx.AsyncClient,
    scenario: str,
    cost: int | None,
    billed: bool,
) -> None:
    await openrouter.queue(scenario)

    answer = await complete(http)

    assert answer["usage"]["cost"] == cost
    assert (Decimal((await openrouter.log())["total_cost"]) > 0) == billed


@pytest.mark.parametrize("name", FAILURES)
async def test_failures_before_the_first_token_bill_nothing(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient, name: str
) -> None:
    headers = {"x-standin-scenario": name}
    answer = await http.post("/chat/completions", json=ask(stream=True), headers=headers)

    error = answer.json()["error"]
    assert answer.status_code == error["code"] == int(name[:3])
    assert error["metadata"]["error_type"]
    assert answer.headers.get("retry-after") == {"429": "1", "402-in-flight": "2"}.get(name)
    assert (await openrouter.log())["total_cost"] == "0"


async def test_an_error_with_status_200_leaves_an_unbilled_record(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.queue("200-error-body")

    answer = await http.post("/chat/completions", json=ask())
    record = await http.get("/generation", params={"id": answer.headers["x-generation-id"]})

    assert (answer.status_code, answer.json()["error"]["code"]) == (200, 502)
    assert record.json()["data"]["total_cost"] == 0


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "plain JSON"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_every_scenario_is_served(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient, name: str, stream: bool
) -> None:
    body = ask(f"[[scenario:{LARGE.get(name, name)}]] otters", stream=stream)

    async def read() -> None:
        async with http.stream("POST", "/chat/completions", json=body) as answer:
            async for _ in answer.aiter_raw():
                if name in NEVER_ENDING:
                    break

    reading = asyncio.create_task(read())
    await openrouter.wait_arrived()
    if name in NEVER_ANSWERED:
        reading.cancel()
    expected = asyncio.CancelledError if name in NEVER_ANSWERED else httpx.RemoteProtocolError
    if name in {"cut", "cut-before-token", *NEVER_ANSWERED}:
        with pytest.raises(expected):
            await reading
    else:
        await reading

    log = await openrouter.wait_idle()
    assert [one["scenario"] for one in log["requests"]] == [name]


async def test_an_unknown_scenario_is_refused_to_tests_and_mere_words_to_visitors(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    with pytest.raises(ValueError, match="no scenario 'nonsense'"):
        await openrouter.queue("nonsense")

    assert fact_in(await complete(http, topic="[[scenario:nonsense]] honey")) == HONEY


async def test_models_are_listed_with_their_awkward_ones(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    listed = {model["id"]: model for model in (await http.get("/models")).json()["data"]}
    await openrouter.set_models("odd-prices")
    odd = (await http.get("/models")).json()["data"]
    await openrouter.set_models("500")
    broken = await http.get("/models")

    assert listed.keys() == MODELS.keys()
    assert listed["openrouter/auto"]["pricing"]["prompt"] == "-1"
    assert "completion" not in listed["inflection/inflection-3-pi"]["pricing"]
    assert odd[1]["pricing"]["completion"] == "-1"
    assert broken.status_code == 500


async def test_the_router_an_alias_and_a_fallback_say_who_answered(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    routed = await complete(http, model="openrouter/auto")
    latest = await complete(http, model="~anthropic/claude-haiku-latest")
    await openrouter.queue("fallback")
    second = await complete(http, models=["deepseek/deepseek-chat-v3.1"])

    assert [one["model"] for one in (routed, latest, second)] == [
        "openai/gpt-4o-mini",
        "anthropic/claude-haiku-4.5",
        "deepseek/deepseek-chat-v3.1",
    ]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"model": "nobody/nothing"}, 404, id="an unknown model"),
        pytest.param({"model": "google/gemini-1.5-flash-8b"}, 404, id="an expired model"),
        pytest.param({"messages": []}, 400, id="no messages"),
        pytest.param(
            {"provider": {"max_price": {"completion": 0.1}}}, 503, id="dearer than max_price"
        ),
        pytest.param(
            {"model": "microsoft/phi-4", "provider": {"require_parameters": True}},
            404,
            id="a required parameter it lacks",
        ),
    ],
)
async def test_what_cannot_be_served_is_refused(
    http: httpx.AsyncClient, fields: dict[str, Any], status: int
) -> None:
    answer = await http.post("/chat/completions", json=ask(**fields))

    assert answer.status_code == answer.json()["error"]["code"] == status


async def test_the_callers_limit_of_tokens_is_kept(http: httpx.AsyncClient) -> None:
    answer = await complete(http, max_completion_tokens=6)

    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 6


async def test_the_key_shows_what_was_spent_and_stops_at_its_limit(
    openrouter: RunningOpenRouter, http: httpx.AsyncClient
) -> None:
    await openrouter.set_key_limit("0.00001")
    cost = (await complete(http))["usage"]["cost"]

    key = json.loads((await http.get("/key")).text, parse_float=Decimal)["data"]
    refused = await http.post("/chat/completions", json=ask())

    assert key["usage"] == cost
    assert key["limit_remaining"] == 0
    assert refused.json()["error"]["metadata"]["limit_source"] == "openrouter_key_limit"


async def test_without_a_key_nothing_is_answered(openrouter: RunningOpenRouter) -> None:
    async with httpx.AsyncClient(base_url=openrouter.base_url, trust_env=False) as stranger:
        answer = await stranger.post("/chat/completions", json=ask())

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
    assert (await openrouter.log())["requests"][0]["authorized"] is False
