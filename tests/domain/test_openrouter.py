"""The client against bytes as they may come: oddly cut, absurd, endless or none."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from domain.llm.failures import ModelFailed
from domain.llm.openrouter import Completion, OpenRouter, Patience
from tests.proof import at_length

UPSTREAM = {"upstream_inference_cost": 0.0019}
REJECTED = "model_rejected_request"
PATIENCE = Patience(connect_s=5, silence_s=10, total_s=30)


def chunk(text: str = "", finish: str | None = None, **more) -> str:
    choices = [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    return json.dumps({"id": "gen-1", "provider": "Someone", "choices": choices} | more)


def event(*chunks: str, end: str = "\n") -> bytes:
    return "".join(f"data: {one}{end}{end}" for one in chunks).encode()


def answer_of(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    kind = "" if "content-type" in headers else "content-type: text/event-stream\r\n"
    head = f"HTTP/1.1 {status}\r\n{kind}{headers}connection: close\r\n\r\n"
    return head.encode() + body


@asynccontextmanager
async def answering(wire: bytes) -> AsyncGenerator[OpenRouter]:
    """A client whose server answers whatever it is asked with these bytes, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(wire)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = _client(port)
    try:
        yield client
    finally:
        await client.close()
        server.close()
        await server.wait_closed()


def _client(port: int) -> OpenRouter:
    return OpenRouter(
        base_url=f"http://127.0.0.1:{port}/api/v1",
        api_key="key",
        site_url="http://factoids.test",
        patience=PATIENCE,
    )


async def read(wire: bytes) -> Completion:
    async with answering(wire) as client, client.stream({}) as answer:
        async for _ in answer.pieces():
            pass
        return answer


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(event(chunk("a "), chunk("b"), chunk("", "stop"), "[DONE]"), id="plain"),
        pytest.param(event(chunk("a "), chunk("b", "stop"), end="\r\n"), id="lines of CRLF"),
        pytest.param(event(chunk("a "), chunk("b", "stop"), end="\r"), id="lines of CR"),
        pytest.param(
            b": hello\n\n: \n" + event(chunk("a "), chunk("b", "stop")), id="comments between"
        ),
        pytest.param(event(chunk("a b", "stop")) + event("[DONE]")[:-2], id="no last blank line"),
        pytest.param(event(chunk("a b", "because")), id="an unknown reason to stop"),
        pytest.param(event(chunk("a b", "stop"), '{"choices": []}'), id="a chunk of nothing"),
        pytest.param(event(chunk("a\0 b", "stop")), id="a character Postgres cannot hold"),
        pytest.param(
            event(json.dumps(json.loads(chunk("a b", "stop")), indent=1).replace("\n", "\ndata: ")),
            id="data in many lines",
        ),
    ],
)
async def test_an_answer_is_read_however_it_is_cut(body):
    answer = await read(answer_of(body))

    assert answer.output == "a b"
    assert (answer.upstream_id, answer.provider) == ("gen-1", "Someone")


async def test_line_separators_inside_a_text_end_no_line():
    written = chunk("a\u2028b\u0085c", "stop").encode().decode("unicode-escape")

    answer = await read(answer_of(f"data: {written}\n\n".encode()))

    assert answer.output == "a\u2028b\x85c"


async def test_an_answer_that_breaks_off_after_its_end_is_whole():
    body = event(chunk("a b", "stop"))
    cut = answer_of(body, headers=f"content-length: {len(body) + 500}\r\n")

    answer = await read(cut)

    assert (answer.output, answer.usage.cost_usd) == ("a b", None)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.000123456789, "prompt_tokens": 5}, Decimal("0.000123456789")),
        ({"cost": 1e-9}, Decimal("1E-9")),
        ({"cost": 0}, Decimal(0)),
        ({"cost": -1}, None),
        ({"cost": 1e30}, None),
        ({"cost": "a lot"}, None),
        ({"cost": 0.1, "prompt_tokens": -4}, Decimal("0.1")),
        ({"cost": 0.1, "completion_tokens": 10**12}, Decimal("0.1")),
        ({"cost": "0.25"}, Decimal("0.25")),
        ({"cost": 0, "is_byok": True, "cost_details": UPSTREAM}, Decimal("0.0019")),
        ({"cost": 0.0001, "is_byok": True, "cost_details": UPSTREAM}, Decimal("0.0020")),
        ({"cost": None, "is_byok": True, "cost_details": UPSTREAM}, Decimal("0.0019")),
        ({"cost": 0.0019, "is_byok": False, "cost_details": UPSTREAM}, Decimal("0.0019")),
        ({"cost": 0, "is_byok": False, "cost_details": UPSTREAM}, Decimal(0)),
        ({"cost": 0, "cost_details": UPSTREAM}, Decimal("0.0019")),
        ({"cost": 0.1, "cost_details": [UPSTREAM]}, Decimal("0.1")),
        ([], None),
        (None, None),
    ],
)
async def test_a_cost_is_exact_or_not_believed(usage, cost):
    answer = await read(answer_of(event(chunk("a", "stop", usage=usage))))

    assert answer.usage.cost_usd == cost


@pytest.mark.parametrize(
    ("wire", "code", "billed"),
    [
        pytest.param(answer_of(event(chunk("a"))), "answer_broken", True, id="no end"),
        pytest.param(answer_of(b""), "answer_broken", True, id="nothing"),
        pytest.param(answer_of(event("{broken")), "answer_broken", True, id="broken JSON"),
        pytest.param(answer_of(event('{"choices": 7}')), "answer_broken", True, id="odd JSON"),
        pytest.param(
            answer_of(event(chunk("", "error"))),
            "answer_broken",
            True,
            id="ended by an error",
        ),
        pytest.param(
            answer_of(b"x" * 40, headers="content-encoding: br\r\n"),
            "answer_broken",
            True,
            id="packed",
        ),
        pytest.param(answer_of(b"oops", status="500 X"), "model_busy", False, id="500 in words"),
        pytest.param(
            answer_of(b"\x1f\x8b", status="503 X", headers="content-encoding: gzip\r\n"),
            "model_busy",
            False,
            id="503, packed",
        ),
        pytest.param(
            answer_of(b'{"error": {"metadata": [1]}}', status="403 X"),
            "model_rejected_request",
            False,
            id="403 with odd reasons",
        ),
        pytest.param(answer_of(b"", status="418 X"), "model_rejected_request", False, id="418"),
        pytest.param(b"", "answer_broken", True, id="a closed connection"),
        pytest.param(b"SSH-2.0-x\r\n", "answer_broken", True, id="no HTTP"),
    ],
)
async def test_what_is_no_answer_is_a_failure_with_words(wire, code, billed):
    with pytest.raises(ModelFailed) as failed:
        await read(wire)

    assert (failed.value.code, failed.value.billed) == (code, billed)
    assert len(failed.value.detail) > 30


@pytest.mark.parametrize(
    ("retry_after", "again"),
    [("1", True), ("10", True), ("11", False), ("soon", True), ("", True), ("²", True)],
)
async def test_a_busy_model_is_asked_again_only_when_it_is_back_soon(retry_after, again):
    headers = f"retry-after: {retry_after}\r\n".encode("latin-1").decode("latin-1")
    wire = answer_of(b"", status="429 X").replace(
        b"connection", headers.encode("latin-1") + b"connection"
    )
    with pytest.raises(ModelFailed) as failed:
        await read(wire)

    assert failed.value.again is again


async def test_nobody_there_is_not_billed_and_tried_again():
    with pytest.raises(ModelFailed) as failed:
        async with _client(9).stream({}):
            pass

    assert (failed.value.code, failed.value.billed) == ("model_unreachable", False)
    assert failed.value.again


@pytest.mark.parametrize(
    ("body", "cost"),
    [
        ({"total_cost": 0.00000123}, Decimal("0.00000123")),
        ({"total_cost": -1}, None),
        ({"total_cost": None}, None),
        ({"total_cost": 0, "is_byok": True} | UPSTREAM, Decimal("0.0019")),
        ({"total_cost": 0.1, "is_byok": True} | UPSTREAM, Decimal("0.1019")),
        ({"total_cost": 0.1, "is_byok": False} | UPSTREAM, Decimal("0.1")),
        ({}, None),
        ({"total_cost": 1, "origin": "x" * 200_000}, None),
    ],
)
async def test_a_settlement_is_exact_or_not_believed(body, cost):
    written = json.dumps({"data": body}).encode()
    async with answering(answer_of(written, headers="content-type: application/json\r\n")) as one:
        found = await one.settlement("gen-1")

    assert (found and found.total_cost_usd) == cost


async def test_the_call_is_what_openrouter_wants(generation_harness, standin):
    await generation_harness.finish(await generation_harness.ask("honey"))

    call = (await standin.log())["requests"][0]
    asked = call["body"]
    assert call["authorized"]
    assert call["headers"]["accept-encoding"] == "identity"
    assert call["headers"]["http-referer"] == "http://factoids.test"
    assert asked["stream"] is True
    assert asked["provider"]["require_parameters"] is True
    assert asked["provider"]["max_price"] == {
        "prompt": 0.15,
        "completion": 0.6,
        "request": 0,
    }
    assert len(asked["user"]) == 32
    assert set(asked["metadata"]) == {"generation", "request_id", "prompt_version"}


def calling(*parts: dict[str, object], finish: str | None = None) -> str:
    choices = [{"index": 0, "delta": {"tool_calls": parts}, "finish_reason": finish}]
    return json.dumps({"id": "gen-1", "provider": "Someone", "choices": choices})


async def test_the_pieces_of_tool_calls_are_put_together_by_their_place():
    wire = event(
        chunk("Let me look. "),
        calling({"index": 0, "id": "a", "function": {"name": "search", "arguments": ""}}),
        calling({"index": 1, "id": "b", "function": {"name": "get", "arguments": '{"id"'}}),
        calling({"index": 0, "function": {"arguments": '{"query": '}}),
        calling(
            {"index": 1, "function": {"arguments": ": 7}"}},
            {"index": 0, "function": {"arguments": '"bees"}'}},
        ),
        chunk(finish="tool_calls"),
        "[DONE]",
    )

    async with answering(answer_of(wire)) as client, client.stream({}) as answer:
        async for _ in answer.pieces():
            pass

    assert answer.content == "Let me look. "
    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
        ("a", "search", '{"query": "bees"}'),
        ("b", "get", '{"id": 7}'),
    ]


async def test_no_more_tool_calls_are_kept_than_anybody_needs():
    calls = [
        calling({"index": at, "id": f"c{at}", "function": {"name": "get", "arguments": "{}"}})
        for at in range(500)
    ]
    wire = event(*calls, chunk(finish="tool_calls"), "[DONE]")

    async with answering(answer_of(wire)) as client, client.stream({}) as answer:
        async for _ in answer.pieces():
            pass

    assert len(answer.tool_calls) == 100


async def completed(*chunks: str, start: bytes = b"") -> Completion:
    """The completion that a stream of these chunks is."""
    wire = answer_of(start + event(*chunks))
    async with answering(wire) as client, client.stream({}) as answer:
        async for _ in answer.pieces():
            pass
    return answer


def delta(message: object, finish: object = None, **more: object) -> str:
    return json.dumps(
        {"id": "gen-1", "choices": [{"index": 0, "delta": message, "finish_reason": finish}]} | more
    )


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(json.dumps({"choices": None, "usage": {"cost": 0.1}}), id="null choices"),
        pytest.param(json.dumps({"choices": []}), id="no choices"),
        pytest.param(json.dumps({"choices": "none"}), id="choices that are a text"),
        pytest.param(json.dumps({"choices": [None]}), id="a choice that is null"),
        pytest.param("null", id="null"),
        pytest.param("[1, 2]", id="a list"),
        pytest.param("ping", id="no JSON"),
        pytest.param("{broken", id="broken JSON"),
        pytest.param(delta({"tool_calls": [{"index": 0, "function": None}]}), id="no function"),
        pytest.param(delta({"tool_calls": None, "content": None}), id="nulls"),
        pytest.param(delta({"content": 7}), id="a number for words"),
        pytest.param(delta(None), id="a delta that is null"),
        pytest.param(delta({}, finish=7), id="a number for a reason"),
        pytest.param(delta({"refusal": ["no"]}), id="a list for a refusal"),
        pytest.param(delta({"content": ""}, id=12345, provider={"name": "x"}), id="odd names"),
        pytest.param(delta({"reasoning_details": "hm"}), id="a text for details"),
        pytest.param(delta({"content": ""}, usage=[1]), id="a list for the usage"),
        pytest.param('{"choices": [{"delta": {"content": "\\ud83d"}}]}', id="half a character"),
    ],
)
async def test_an_odd_event_costs_no_other_words(odd):
    answer = await completed(odd, chunk("Bees "), odd, chunk("dance.", "stop"), odd, "[DONE]")

    assert answer.content == "Bees dance."
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        ("Bees \\ud83d", "\\udc1d dance", "Bees 🐝 dance"),
        ("\\ud83c", "\\udde8\\ud83c\\udded", "🇨🇭"),
        ("\\ud83d lost", "\\udc1d too", " lost too"),
        ("a\\u0000b", "c", "abc"),
    ],
)
async def test_a_character_cut_between_two_pieces_is_joined(first, second, text):
    pieces = [f'{{"choices": [{{"delta": {{"content": "{one}"}}}}]}}' for one in (first, second)]

    answer = await completed(*pieces, chunk("", "stop"), "[DONE]")

    assert answer.content == text


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Bees "}, {"type": "text", "text": "dance."}], "Bees dance."),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, "Bees"], "Bees"),
        ([{"type": "reasoning", "text": "hm"}, {"type": "output_text", "text": "Bees"}], "Bees"),
        ([{"text": "Bees"}, {"type": "reference", "reference_ids": [1]}, None, 7], "Bees"),
        ({"type": "text", "text": "Bees"}, "Bees"),
    ],
)
async def test_a_text_in_parts_is_joined_without_thoughts(content, text):
    assert (await completed(delta({"content": content}, "stop"), "[DONE]")).content == text


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\n", b": hello\n\n"])
async def test_the_first_word_after_a_mark_is_not_lost(start):
    answer = await completed(chunk("Bees"), chunk(" dance.", "stop"), "[DONE]", start=start)

    assert answer.content == "Bees dance."


@pytest.mark.parametrize("done", ["[DONE]", " [DONE] ", "[DONE]\n"])
async def test_a_stream_that_says_it_is_done_is_whole(done):
    answer = await completed(chunk("Bees dance."), done)

    assert (answer.content, answer.finish_reason) == ("Bees dance.", "stop")


async def test_a_stream_that_is_done_without_a_word_is_broken():
    with pytest.raises(ModelFailed):
        await completed(chunk(""), "[DONE]")


LOOK = {"name": "look", "arguments": "{}"}


def look(**fields: object) -> dict[str, object]:
    return {"function": LOOK} | fields


@pytest.mark.parametrize(
    ("parts", "ids"),
    [
        ([look(index=0, id="a"), look(index=0, id="b")], ["a", "b"]),
        ([look(id="a"), look(id="b")], ["a", "b"]),
        ([look(index=0), look(index=0)], ["", ""]),
        ([look(index=0, id=""), look(index=0, id="")], ["", ""]),
        ([look(index="1", id=7)], ["7"]),
        ([look(index=0, id="a", function={"name": "look", "arguments": {}})], ["a"]),
    ],
)
async def test_calls_with_one_index_are_told_apart(parts, ids):
    one_by_one = [delta({"tool_calls": [part]}) for part in parts]

    answer = await completed(*one_by_one, chunk("", "tool_calls"), "[DONE]")

    assert [(call.id, call.name, call.arguments) for call in answer.tool_calls] == [
        (id_, "look", "{}") for id_ in ids
    ]


async def test_an_object_of_tool_calls_is_one_call():
    answer = await completed(delta({"tool_calls": {"id": "a", "function": LOOK}}, "tool_calls"))

    assert [call.id for call in answer.tool_calls] == ["a"]


@pytest.mark.parametrize(
    ("error", "code", "again"),
    [
        ({"message": "slow down", "code": 429}, "model_busy", True),
        ({"message": "overloaded", "code": "529"}, "model_busy", True),
        ({"message": "no key", "code": 401}, "model_key_refused", False),
        ({"message": "no", "code": 403, "metadata": {"reasons": ["x"]}}, "model_declined", False),
        ("Something went wrong", "answer_broken", False),
        ({"message": None, "code": "server_error"}, "answer_broken", False),
    ],
)
async def test_an_error_before_the_first_word_is_what_it_says(error, code, again):
    with pytest.raises(ModelFailed) as failed:
        await completed(json.dumps({"id": "gen-1", "error": error}))

    assert (failed.value.code, failed.value.again) == (code, again)
    assert failed.value.billed is (code == "answer_broken")


async def test_an_error_after_a_word_may_have_been_billed():
    with pytest.raises(ModelFailed) as failed:
        await completed(chunk("Bees"), json.dumps({"error": {"message": "slow", "code": 429}}))

    assert (failed.value.code, failed.value.billed) == ("answer_broken", True)


PROVIDER = {"provider_name": "Someone"}


@pytest.mark.parametrize(
    ("status", "metadata", "code", "elsewhere"),
    [
        (401, {}, "model_key_refused", False),
        (401, PROVIDER, REJECTED, True),
        (403, {"reasons": ["violence"]}, "model_declined", False),
        (403, {"flagged_input": "x"}, "model_declined", False),
        (403, PROVIDER | {"raw": "Country, region, or territory not supported"}, REJECTED, True),
        (403, PROVIDER | {"raw": "Access denied"}, REJECTED, True),
        (403, {}, REJECTED, True),
        (404, {}, REJECTED, True),
        (400, PROVIDER, REJECTED, True),
        (422, {}, REJECTED, True),
    ],
)
async def test_a_refusal_is_named_for_what_it_is(status, metadata, code, elsewhere):
    body = json.dumps({"error": {"message": "Provider returned error", "metadata": metadata}})
    wire = answer_of(body.encode(), status=f"{status} X")
    with pytest.raises(ModelFailed) as failed:
        await read(wire)

    assert (failed.value.code, failed.value.elsewhere) == (code, elsewhere)
    assert not failed.value.billed


WORDS = [f"word{number} " for number in range(12)]
ODD: list[Any] = [None, 7, "x", [], {}, True, [None], {"a": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the fields of a value are, at any depth."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for name, inner in items:
        found.append((*path, name))
        if isinstance(inner, dict | list):
            found += places(inner, (*path, name))
    return found


@pytest.mark.parametrize("seed", range(at_length(40, whole=2_000)))
async def test_one_odd_field_costs_at_most_the_words_it_holds(seed):
    """A valid stream with one field null, of another type, or left out, anywhere."""
    chance = random.Random(seed)
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "cost": 0.25, "cost_details": {}}
    stream: list[dict[str, Any]] = [
        json.loads(delta({"role": "assistant", "content": word, "reasoning": None}, provider="X"))
        for word in WORDS
    ]
    stream += [json.loads(delta({"content": ""}, "stop")), {"choices": [], "usage": usage}]
    changed = chance.randrange(len(stream))
    *path, name = chance.choice(places(stream[changed]))
    within: Any = stream[changed]
    for step in path:
        within = within[step]
    if isinstance(within, dict) and chance.random() < 0.3:
        del within[name]
    else:
        within[name] = chance.choice(ODD)

    answer = await completed(*map(json.dumps, stream), "[DONE]")

    kept = "".join(word for place, word in enumerate(WORDS) if place != changed)
    assert answer.content.replace("x", "") in {kept, "".join(WORDS)}
