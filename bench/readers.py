"""Readers of chats: what they were told, and when. All is read first and understood afterwards."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.load import HEAD_END, LENGTH
from bench.operations import Ask
from dev import ports
from dev.console import CommandError

OVER_WITHIN_S = 90
SAID = b'{"text":"Tell me something about bees."}'
ENDS = (b"event: message\n", b"event: error\n")
LONGEST_END = max(map(len, ENDS))

Arrivals = list[tuple[float, bytes]]
"""What arrived, with its Unix time."""


@dataclass(frozen=True)
class Token:
    at: float
    """When it was there, in Unix time."""
    length: int
    """Of all that was told by then, in code points."""


@dataclass(frozen=True)
class Heard:
    turn_id: str
    asked_at: float
    tokens: list[Token]


async def talk(port: int, chat_id: str, cookie: str) -> Heard:
    """Say something in a chat and follow the answer to its end.

    Raises:
        CommandError: There was none.
    """
    reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
    try:
        async with asyncio.timeout(OVER_WITHIN_S):
            asked_at = time.time()
            writer.write(Ask("POST", f"/api/chats/{chat_id}/messages", SAID, cookie).raw())
            turn_id = json.loads(await _body(reader))["id"]
            writer.write(Ask("GET", f"/api/chats/{chat_id}/stream", cookie=cookie).raw())
            told = await _stream(reader)
    finally:
        writer.close()
    tokens = [Token(at, said["at"] + len(said["text"])) for at, said in _tokens(told)]
    if not tokens:
        raise CommandError(f"A chat's answer ended without a token: {told[-1][1][-500:]!r}")
    return Heard(turn_id, asked_at, tokens)


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(HEAD_END)
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length[1]) if length else 0)
    if head[9:10] != b"2":
        raise CommandError(f"A chat refused a message: {body!r}")
    return body


async def _stream(reader: asyncio.StreamReader) -> Arrivals:
    """All of a stream until the beginning of its last event."""
    told: Arrivals = []
    end = b""
    while piece := await reader.read(65_536):
        told.append((time.time(), piece))
        end = end[-LONGEST_END:] + piece
        if any(one in end for one in ENDS):
            break
    return told


def _tokens(told: Arrivals) -> Iterator[tuple[float, dict[str, Any]]]:
    """What each `token` event carried, and when the last of it was there."""
    events = b""
    for at, piece in _unchunked(told):
        *whole, events = (events + piece).split(b"\n\n")
        for event in whole:
            name, _, data = event.partition(b"\ndata: ")
            if name.endswith(b"event: token"):
                yield at, json.loads(data)


def _unchunked(told: Arrivals) -> Iterator[tuple[float, bytes]]:
    """The chunks of a chunked body, and when the last of each was there."""
    rest, in_head = b"", True
    for at, piece in told:
        rest += piece
        if in_head:
            _, end, body = rest.partition(HEAD_END)
            if not end:
                continue
            rest, in_head = body, False
        while True:
            size, line, body = rest.partition(b"\r\n")
            if not line or len(body) < int(size, 16) + 2:
                break
            length = int(size, 16)
            yield at, body[:length]
            rest = body[length + 2 :]
