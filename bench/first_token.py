"""How much later than the model's first token a reader's page has one."""

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from api.visitor_cookie import VisitorTokens
from bench.operations import COOKIE, Ask, Client
from bench.processes import WORKER, running
from dev import ports
from dev.console import CommandError
from domain.generation.answer import text_so_far
from tests.standins.openrouter.running import running_openrouter

GENERATIONS = 30
PACE = 100
"""Tokens per second of the stand-in model, after it has thought for 0.3 s."""

READY_WITHIN_S = 30
OVER_WITHIN_S = 30
TOPICS = ("octopuses", "Saturn", "honey", "volcanoes", "the Moon", "bread", "whales", "Rome")


@dataclass(frozen=True)
class FirstTokens:
    """Milliseconds, one for each generation, in rising order."""

    after_text_ms: list[float]
    """From the first token that holds a part of the fact's text."""
    after_any_ms: list[float]
    """From the first token of all; models write a few of JSON before the text."""


async def measure(
    api_port: int, secret: str, values: dict[str, str], log: Path, cores: set[int]
) -> FirstTokens:
    """Generate one factoid after another with a real worker and watch each being written."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(running_openrouter(pace=PACE, seed=3))
        outside = {"OPENROUTER_BASE_URL": model.base_url, "OPENROUTER_API_KEY": "bench"}
        stack.enter_context(running("worker", WORKER, {**values, **outside}, log, cores=cores))
        seen: dict[str, float] = {}
        for number in range(GENERATIONS + 1):
            cookie = f"{COOKIE}={VisitorTokens(secret).write(uuid4())}"
            request_id = await _ask(api_port, TOPICS[number % len(TOPICS)], cookie)
            at = await _watch(api_port, request_id, cookie)
            if number:  # The first one warms everything up.
                seen[request_id] = at
        sent = _sent(await model.log())
    texts = [seen[request_id] - _first_text(sent[request_id]) for request_id in seen]
    anys = [seen[request_id] - sent[request_id][0][0] for request_id in seen]
    return FirstTokens(
        sorted(late * 1_000 for late in texts), sorted(late * 1_000 for late in anys)
    )


async def _ask(port: int, topic: str, cookie: str) -> str:
    """Ask for a factoid; at first until the worker has read the catalogue of models."""
    body = json.dumps({"topic": topic}).encode()
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            answer = Client(port).ask(Ask("POST", "/api/factoids/generate", body, cookie))
            return json.loads(answer)["id"]
        except RuntimeError as refused:
            if time.monotonic() > deadline:
                raise CommandError(f"No generation could be asked for: {refused}") from None
            await asyncio.sleep(0.2)


async def _watch(port: int, request_id: str, cookie: str) -> float:
    """When the first `token` event arrived; returns at the end of the stream."""
    reader, writer = await asyncio.open_connection(ports.LOOPBACK, port)
    ask = Ask("GET", f"/api/factoids/generate/{request_id}/stream", cookie=cookie)
    writer.write(ask.raw())
    told, first = b"", None
    try:
        async with asyncio.timeout(OVER_WITHIN_S):
            while piece := await reader.read(65_536):
                now = time.time()
                told += piece
                if first is None and b"event: token\n" in told:
                    first = now
                if b"event: factoid\n" in told or b"event: error\n" in told:
                    break
    finally:
        writer.close()
    if first is None:
        raise CommandError(f"A generation ended without a token: {told[-500:]!r}")
    return first


Sent = list[tuple[float, str]]
"""The first tokens of an answer with the time each left."""


def _sent(log: dict[str, Any]) -> dict[str, Sent]:
    """By request, what the stand-in sent in its first completion for it."""
    sent: dict[str, Sent] = {}
    for exchange in log["requests"]:
        if exchange["path"].endswith("/chat/completions") and exchange["first_tokens"]:
            sent.setdefault(exchange["body"]["metadata"]["generation"], exchange["first_tokens"])
    return sent


def _first_text(tokens: Sent) -> float:
    said = ""
    for at, piece in tokens:
        said += piece
        if text_so_far(said):
            return at
    raise CommandError("The stand-in's log does not reach to the text.")
