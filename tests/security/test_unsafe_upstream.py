"""A model's provider that sends too much, too deep, packed or from elsewhere: read no further than
to a limit, told clearly, and the money settled.
"""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from domain.llm.failures import ModelFailed
from domain.llm.openrouter import OpenRouter, Patience
from tests.fixtures.generation import bill, books, closed, completions, count_factoids

MEGABYTE = 1_000_000
GROWTH_KB = 50_000
PIECE = b"x" * 65_536


def head(status: str = "200 OK", kind: str = "text/event-stream", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{more}connection: close\r\n\r\n".encode()


def deep(brackets: str) -> bytes:
    return (brackets[0] * 100_000 + brackets[1] * 100_000).encode()


def told(content: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": content}}]}).encode() + b"\n\n"


def packed() -> bytes:
    return gzip.compress(bytes(100 * MEGABYTE), 9)


NESTED = json.dumps({"choices": []}).encode()[:-2] + b'{"delta": ' * 100_000

ANSWERS = {
    "50 MB of one line": (head(), b"data: ", PIECE, 50 * MEGABYTE),
    "50 MB of comments": (head(), b"", b": waiting\n\n" * 6_000, 50 * MEGABYTE),
    "50 MB of small pieces": (head(), b"", told("x") * 1_000, 50 * MEGABYTE),
    "50 MB of one JSON": (head(kind="application/json"), b'{"id": "', PIECE, 50 * MEGABYTE),
    "50 MB of a page": (head(kind="text/html"), b"<html>", PIECE, 50 * MEGABYTE),
    "50 MB of a refusal": (head("400 Bad"), b'{"error": "', PIECE, 50 * MEGABYTE),
    "50 MB of a header": (b"HTTP/1.1 200 OK\r\nx-a: ", b"", PIECE, 50 * MEGABYTE),
    "lists 100,000 deep": (head(), b"data: " + deep("[]") + b"\n\n", b"", 0),
    "JSON 100,000 deep": (head(kind="application/json"), NESTED, b"", 0),
    "a usage 100,000 deep": (head(), b'data: {"usage": ' + deep("[]") + b"}\n\n", b"", 0),
    "an error 100,000 deep": (
        head(),
        b'data: {"error": {"metadata": ' + deep("[]") + b"}}\n\n",
        b"",
        0,
    ),
    "a gzip bomb": (head(more="content-encoding: gzip\r\n"), packed(), b"", 0),
    "a bomb for a refusal": (head("500 X", more="content-encoding: gzip\r\n"), packed(), b"", 0),
    "a deflate bomb": (
        head(more="content-encoding: deflate\r\n"),
        zlib.compress(bytes(100 * MEGABYTE)),
        b"",
        0,
    ),
    "gzip in capitals, twice": (
        head(more="Content-Encoding: GZIP, GZIP\r\n"),
        gzip.compress(packed()),
        b"",
        0,
    ),
    "an image": (head(kind="image/png"), b"\x89PNG\r\n\x1a\n" + PIECE, b"", 0),
    "no kind at all": (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"{}" * 2, b"", 0),
}


def peak_kb(*, anew: bool = False) -> int:
    """The most memory this process has held, since it was last asked anew."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


@asynccontextmanager
async def provider(
    start: bytes, first: bytes, piece: bytes, length: int
) -> AsyncGenerator[tuple[OpenRouter, list[bytes]]]:
    """A client and what it asks of a provider that answers so, for as long as it is listened to."""
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked.append((await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")[0])
            writer.write(start + first)
            for _ in range(length // max(1, len(piece))):
                writer.write(piece)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    client = OpenRouter(
        base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/v1",
        api_key="key",
        site_url="http://factoids.test",
        patience=Patience(connect_s=5, silence_s=20, total_s=60),
    )
    try:
        yield client, asked
    finally:
        await client.close()
        server.close()
        await server.wait_closed()


async def read(client: OpenRouter) -> None:
    async with client.stream({}) as answer, asyncio.timeout(30):
        async for _ in answer.pieces():
            pass


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_an_unsafe_answer_fails_in_words_within_little_memory(answer):
    before = peak_kb(anew=True)
    async with provider(*answer) as (client, _):
        with pytest.raises(ModelFailed) as failed:
            await read(client)

    assert len(failed.value.detail) > 30
    assert peak_kb() - before < GROWTH_KB


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_an_unsafe_settlement_is_none_within_little_memory(answer):
    before = peak_kb(anew=True)
    async with provider(*answer) as (client, _):
        assert await client.settlement("gen-1") is None

    assert peak_kb() - before < GROWTH_KB


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "path", ["/elsewhere", "http://127.0.0.1:9/", "//127.0.0.1:9/", "file:///"]
)
async def test_a_redirect_is_not_followed(status, path):
    moved = head(f"{status} Moved", more=f"location: {path}\r\ncontent-length: 0\r\n")
    async with provider(moved, b"", b"", 0) as (client, asked):
        with pytest.raises(ModelFailed) as failed:
            async with client.stream({}):
                pass
        assert await client.settlement("gen-1") is None
        with pytest.raises(ModelFailed):
            await client.catalogue()

    assert (failed.value.code, failed.value.billed) == ("model_moved", False)
    assert [one.split()[1] for one in asked] == [
        b"/api/v1/chat/completions",
        b"/api/v1/generation?id=gen-1",
        b"/api/v1/models",
    ]


@pytest.mark.parametrize(
    ("scenario", "code"),
    [
        ("huge:50", "answer_broken"),
        ("deep-json:100000", "unusable_answer"),
        ("gzip-bomb:100", "answer_broken"),
        ("wrong-content-type", "answer_broken"),
        ("redirect", "model_moved"),
    ],
)
async def test_a_request_met_by_it_ends_settled_within_little_memory(
    generation_harness, standin, database, scenario, code
):
    await standin.queue(scenario, scenario)
    before = peak_kb(anew=True)

    request = await generation_harness.finish(await generation_harness.ask("honey"))

    log = await standin.log()
    assert (request.status, request.problem_code) == ("failed", code)
    assert request.settled_at
    assert await books(database) == closed(request.cost_usd)
    assert request.cost_usd >= bill(log)
    assert {one["path"] for one in completions(log)} == {"/api/v1/chat/completions"}
    assert not any("redirected" in one["path"] for one in log["requests"])
    assert await count_factoids(database) == 0
    assert peak_kb() - before < GROWTH_KB
