"""No body costs more than a look at its beginning, whatever it is and wherever it is sent."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Site
from tests.factories import Factories
from tests.security.test_foreign_ids import Route, routes_of
from tests.security.wire import connect, statuses

GIGABYTE = 1 << 30
PIECE = bytes(1 << 16)
TAKEN_AT_MOST = 12 << 20
"""Most of it never leaves the buffers of the two ends."""
GROWTH_AT_MOST = 20 << 20
SOME_ID = "00000000-0000-7000-8000-000000000000"
JSON = {"Content-Type": "application/json"}
PAGES = ["/", "/keys", "/f/x", "/nowhere", "/robots.txt", "/docs", "/openapi.json", "/api/nowhere"]
SOCKET = ["/_event", "/_event/?EIO=4&transport=polling", "/_upload", "/ping", "/_health"]

DEEP = 100_000
HOSTILE = {
    "a million keys": b"{" + b",".join(b'"%d":1' % place for place in range(1_000_000)) + b"}",
    "as many keys as there is room for": b"{"
    + b",".join(b'"%x":1' % n for n in range(7_000))
    + b"}",
    "a hundred thousand deep": b"[" * DEEP + b"]" * DEEP,
    "as deep as there is room for": b"[" * 32_000 + b"]" * 32_000,
    "objects as deep as there is room for": b'{"":' * 13_000 + b"1" + b"}" * 13_000,
    "deep and never ended": b"[" * 65_000,
    "NaN": b"NaN",
    "half a string": b'"',
    "bytes that are no UTF-8": b"\xff\xfe{\x00}\x00",
    "a mark of byte order and half a document": b"\xef\xbb\xbf{",
    "NUL": b"\0" * 1_000,
    "a million spaces": b" " * 1_000_000,
    "two documents": b"{}{}",
    "not JSON": b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>",
}
VALUES = {
    "NaN": b"NaN",
    "infinity": b"-Infinity",
    "more than a float": b"1e999999",
    "ten thousand digits": b"9" * 10_000,
    "ten thousand digits of a fraction": b"0." + b"1" * 10_000,
    "no UTF-8": b'"\xff\xc0\xaf"',
    "deep": b"[" * 20_000 + b"]" * 20_000,
    "deep objects": b'{"a":' * 8_000 + b"1" + b"}" * 8_000,
    "long": b'"' + b"a" * 60_000 + b'"',
    "combining marks": b'"' + "\u0301".encode() * 30_000 + b'"',
}


@pytest.fixture
async def routes(api: httpx.AsyncClient) -> list[Route]:
    return routes_of((await api.get("/openapi.json")).json())


def memory_of(site: Site) -> int:
    """Bytes in memory of the process and its children."""
    held = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            # After the name, which may hold anything: state, parent, group.
            group = int((process / "stat").read_text().rpartition(")")[2].split()[2])
            if group == site.pid:
                held += int(re.findall(r"VmRSS:\s+(\d+)", (process / "status").read_text())[0])
    return held * 1_024


async def offer(site: Site, method: str, path: str, length: bytes) -> tuple[int, int]:
    """Offer a gigabyte until it is no longer taken: how much was, and the answer's status."""
    reader, writer = await connect(site.origin)
    head = f"{method} {path} HTTP/1.1\r\nHost: {httpx.URL(site.origin).netloc.decode()}\r\n"
    writer.write(head.encode() + b"Content-Type: application/json\r\n" + length + b"\r\n")
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if b"chunked" in length else PIECE
    taken = 0

    async def give() -> None:
        nonlocal taken
        while taken < GIGABYTE:
            writer.write(piece)
            await writer.drain()
            taken += len(PIECE)

    giving, heard = asyncio.ensure_future(give()), b""
    try:
        with suppress(ConnectionError):
            while piece_heard := await reader.read(65_536):
                heard += piece_heard
        with suppress(ConnectionError):
            await asyncio.wait_for(asyncio.shield(giving), 0.2) if not giving.done() else None
    except TimeoutError:
        pass
    finally:
        giving.cancel()
        with suppress(ConnectionError, asyncio.CancelledError):
            await giving
        writer.transport.abort()
    return taken, (statuses(heard) or [0])[0]


@pytest.mark.parametrize(
    "length", [b"Content-Length: %d\r\n" % GIGABYTE, b"Transfer-Encoding: chunked\r\n"],
    ids=["declared", "chunked"],
)  # fmt: skip
async def test_a_gigabyte_is_refused_before_it_is_read(
    site: Site, make: Factories, routes: list[Route], length: bytes
):
    await make.model()
    asked = [(one.method, one.at(SOME_ID), one.body) for one in routes]
    asked += [(way, path, None) for path in PAGES + SOCKET for way in ("POST", "GET")]
    await offer(site, "POST", "/api/keys", length)
    before = memory_of(site)
    for method, path, body in asked:
        if method == "GET" and path.endswith(("/live", "/stream")) and "health" not in path:
            continue
        taken, status = await offer(site, method, path, length)
        assert taken < TAKEN_AT_MOST, (method, path, taken)
        if body is not None:
            assert status in {0, 413}, (method, path, status)
        assert status < 500, (method, path, status)

    assert memory_of(site) - before < GROWTH_AT_MOST
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        assert (await client.get("/health/ready")).status_code == 200


@pytest.mark.parametrize("extra", [{}, {"Idempotency-Key": "one"}], ids=["", "with a key"])
async def test_one_byte_too_many_is_413(
    api: httpx.AsyncClient, routes: list[Route], extra: dict[str, str]
):
    for route in with_body(routes):
        padded = json.dumps(route.body).encode().ljust(65_537)
        answer = await api.request(
            route.method, route.at(SOME_ID), content=padded, headers=JSON | extra
        )
        assert answer.status_code == 413, route.name


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_no_body_breaks_anything(api: httpx.AsyncClient, routes: list[Route], body: bytes):
    await check_refused(api, [(route, body) for route in with_body(routes)])


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
async def test_no_value_of_any_field_breaks_anything(
    api: httpx.AsyncClient, make: Factories, routes: list[Route], value: bytes
):
    await make.model()
    await check_refused(api, [one for route in with_body(routes) for one in spoilt(route, value)])


async def test_a_field_said_twice_is_refused(
    api: httpx.AsyncClient, make: Factories, routes: list[Route]
):
    await make.model()
    factoid_id = str((await make.factoid()).id)
    for route in with_body(routes):
        for name, value in route.body.items():
            once = json.dumps(route.body).replace(SOME_ID, factoid_id)
            twice = f"{once[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
            path = route.at(factoid_id)
            answer = await api.request(route.method, path, content=twice, headers=JSON)
            assert answer.status_code == 422, (route.name, twice)


def with_body(routes: list[Route]) -> list[Route]:
    found = [route for route in routes if route.body is not None]
    assert {route.path for route in found} >= {"/api/keys", "/api/factoids/generate"}
    return found


def spoilt(route: Route, value: bytes) -> Iterator[tuple[Route, bytes]]:
    for name in route.body:
        there: dict[str, Any] = route.body | {name: "\x01"}
        yield route, json.dumps(there).encode().replace(b'"\\u0001"', value)


async def check_refused(api: httpx.AsyncClient, asked: list[tuple[Route, bytes]]) -> None:
    for route, body in asked:
        for extra in ({}, {"Idempotency-Key": "one"}):
            path = route.at(SOME_ID)
            answer = await api.request(route.method, path, content=body, headers=JSON | extra)
            assert answer.status_code in {400, 413, 422}, (route.name, body[:50], answer.text)
