"""Bytes that two servers could read differently are refused, and the server goes on."""

import asyncio

import pytest

from tests.processes import RunningAPI, running_api
from tests.security.wire import GET, POST, connect, said_to, statuses

CHUNKED = b"Transfer-Encoding: chunked\r\n"
HIDDEN = b"GET /health/ready HTTP/1.1\r\nHost: factoids.test\r\n\r\n"
"""A request inside what may be the body of another."""

UNREADABLE = {
    "a length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + HIDDEN,
    "chunks and a length": POST + CHUNKED + b"Content-Length: 90\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 0\r\n\r\n" + HIDDEN,
    "a list of lengths": POST + b"Content-Length: 0, 2\r\n\r\n" + HIDDEN,
    "a length with a sign": POST + b"Content-Length: +2\r\n\r\n{}" + HIDDEN,
    "less than nothing": POST + b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "a length in hex": POST + b"Content-Length: 0x2\r\n\r\n{}" + HIDDEN,
    "a length beyond numbers": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + HIDDEN,
    "two codings": POST + CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n" + HIDDEN,
    "no coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks not at last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a tab that is none": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunks before there were any": POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n",
    "a folded line": POST + b"X-A: a\r\n Content-Length: 5\r\n\r\n" + HIDDEN,
    "a chunk of no size": POST + CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n" + HIDDEN,
    "a chunk beyond numbers": POST + CHUNKED + b"\r\n" + b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n",
    "a chunk with a long tail": POST + CHUNKED + b"\r\n2;" + b"a" * 99_000 + b"\r\n{}\r\n0\r\n\r\n",
    "chunks by half a line end": POST + CHUNKED + b"\r\n2\n{}\n0\n\n" + HIDDEN,
    "NUL in a header": GET + b"X-A: a\0b\r\n\r\n",
    "half a line end in a header": GET + b"X-A: a\rb\r\n\r\n",
    "no version": b"GET /health/live\r\n\r\n",
    "an unknown version": GET.replace(b"1.1", b"9.9") + b"\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01" * 100 + b"\r\n\r\n",
    "a header of a million bytes": GET + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "ten thousand headers": GET + b"X-A: a\r\n" * 10_000 + b"\r\n",
    "an endless address": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "two hosts": GET + b"Host: evil.example\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_could_be_read_in_two_ways_is_refused(served: RunningAPI, sent: bytes):
    """With one answer, after which the connection is closed: nothing hidden is answered too."""
    heard = statuses(await said_to(served.url, sent))

    assert len(heard) <= 1
    assert set(heard) <= {400, 408, 413, 414, 431}
    async with served.client() as client:
        assert (await client.get("/health/live")).status_code == 200
    assert "unexpected_error" not in served.log


async def test_who_leaves_in_the_middle_is_no_error_of_ours(served: RunningAPI):
    for told in (b"Content-Length: 50\r\n\r\n{", CHUNKED + b"\r\n5\r\n{"):
        for _ in range(20):
            _, writer = await connect(served.url)
            writer.write(POST + told)
            await writer.drain()
            writer.transport.abort()
    async with served.client() as client:
        assert (await client.get("/health/ready")).status_code == 200

    assert "unexpected_error" not in served.log
    assert "Traceback" not in served.log


async def test_headers_that_come_slowly_keep_nobody_else_waiting(database):
    """Nor for ever: the server hangs up on them."""
    async with running_api(GRANIAN_HTTP1_HEADER_READ_TIMEOUT="1500") as api:
        slow = [await connect(api.url) for _ in range(100)]
        for place, (_, writer) in enumerate(slow):
            writer.write((GET + b"X-A: ")[: 1 + place])
        async with api.client() as client:
            for _ in range(20):
                assert (await client.get("/health/ready")).status_code == 200
        heard = await asyncio.gather(*(reader.read() for reader, _ in slow))
        for _, writer in slow:
            writer.close()

    assert {status for one in heard for status in statuses(one)} <= {400, 408}


async def test_bodies_that_come_slowly_keep_nobody_else_waiting(served: RunningAPI):
    slow = [await connect(served.url) for _ in range(50)]
    for _, writer in slow:
        writer.write(POST + b"Content-Length: 5000\r\n\r\n{")
    async with served.client() as client:
        for path in ("/health/ready", "/api/factoids") * 10:
            assert (await client.get(path)).status_code == 200
    for _, writer in slow:
        writer.transport.abort()
