"""HTTP as nobody's library would send it."""

import asyncio
from contextlib import suppress

import httpx

POST = (
    b"POST /api/factoids/feedback HTTP/1.1\r\n"
    b"Host: factoids.test\r\n"
    b"Content-Type: application/json\r\n"
)
GET = b"GET /health/live HTTP/1.1\r\nHost: factoids.test\r\n"


async def connect(origin: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = httpx.URL(origin)
    return await asyncio.open_connection(url.host, url.port)


async def said_to(origin: str, sent: bytes, *, until: bytes = b"") -> bytes:
    """All that comes back until the server hangs up, or has said a word."""
    reader, writer = await connect(origin)
    heard = b""
    try:
        with suppress(ConnectionError):
            writer.write(sent)
            await writer.drain()
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                heard += piece
                if until and until in heard:
                    break
    finally:
        writer.close()
    return heard


def statuses(heard: bytes) -> list[int]:
    """Of every answer in what was heard."""
    lines = heard.split(b"\r\n")
    return [int(line.split()[1]) for line in lines if line.startswith(b"HTTP/1.")]
