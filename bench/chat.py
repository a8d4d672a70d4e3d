"""How much later than the model's own a chat's words reach whoever follows it: one, then many."""

import asyncio
import json
import math
import random
import time
from bisect import bisect_left
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from api.visitor_cookie import VisitorTokens
from bench.operations import COOKIE, Ask, Client
from bench.processes import API, WORKER, Program, Server, running, serving
from bench.readers import Heard, talk
from bench.seed import Writer
from dev.console import CommandError
from tests.standins.openrouter.prompt import pieces
from tests.standins.openrouter.running import RunningOpenRouter, running_openrouter

PACE = 20
"""Tokens per second of the stand-in model, after it has thought for 0.3 s: more than anybody reads,
and what a machine of two cores can carry beside the model and its readers."""

TURNS, SHORT = 12, 20
"""Turns whose first token is waited for, and the tokens of each."""

STREAMS, OPEN_EVERY_S = 100, 0.12
TURN_EVERY_S = 0.5
LONG = 400
"""Tokens: all streams stay open until the last of the turns beside them has begun."""

READY_WITHIN_S = 30


@dataclass(frozen=True)
class Late:
    """Milliseconds in rising order."""

    asking: list[float]
    """From asking to the first token, less what the model itself took."""
    first: list[float]
    """From the model's first token to the reader's."""
    tokens: list[float]
    """Of each token: from the model to the reader, to whom all of it came."""


@dataclass(frozen=True)
class Cost:
    """What the open streams cost one process; None where the system does not say."""

    stream_kb: float | None
    """Memory it has grown by, for each of them."""
    token_us: float | None
    """CPU time for each token."""


@dataclass(frozen=True)
class Chats:
    alone: Late
    many: Late
    fewest_open: int
    """Streams, whenever a turn began beside them."""
    failed: int
    """Turns of the many that came to no whole answer; the figures are of the others."""
    api: Cost
    worker: Cost


class Chatters:
    """Visitors with a chat each, and the model that answers them."""

    def __init__(self, port: int, secret: str, model: RunningOpenRouter) -> None:
        self._port = port
        self._tokens = VisitorTokens(secret)
        self._model = model
        self._writer = Writer(random.Random(5))

    async def prepare(self, *lengths: int) -> list[tuple[str, str]]:
        """Open chats, each with its cookie, and line up an answer of so many tokens for each."""
        await self._model.reset()
        await self._model.say(*map(self._words, lengths))
        return [self._open() for _ in lengths]

    def _open(self) -> tuple[str, str]:
        """Open a chat; at first until the worker has read the catalogue of models."""
        cookie = f"{COOKIE}={self._tokens.write(uuid4())}"
        ask = Ask("POST", "/api/chats", b"{}", cookie)
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            try:
                return json.loads(Client(self._port).ask(ask))["id"], cookie
            except RuntimeError as refused:
                if time.monotonic() > deadline:
                    raise CommandError(f"No chat could be opened: {refused}") from None
                time.sleep(0.2)

    def _words(self, tokens: int) -> str:
        """An answer in paragraphs, of so many of the stand-in's pieces."""
        said = ""
        while len(pieces(said)) < tokens:
            said += " ".join(self._writer.sentence() for _ in range(3)) + "\n\n"
        return "".join(pieces(said)[:tokens]).strip()

    async def late(
        self, turns: list[Heard], heard: list[Heard], since: float = 0, until: float = math.inf
    ) -> Late:
        """Of the first tokens of some turns, and of all tokens that left in this time."""
        log = await self._model.log()
        told = {one["body"]["metadata"]["chat_turn"]: one for one in _completions(log)}
        asking: list[float] = []
        first: list[float] = []
        for one in turns:
            answered = told[one.turn_id]
            left_at, at = answered["first_tokens"][0][0], one.tokens[0].at
            asking.append(at - one.asked_at - (left_at - answered["arrived_at"]))
            first.append(at - left_at)
        tokens = [
            late
            for one in heard
            for left_at, late in _tokens_late(one, told[one.turn_id]["first_tokens"])
            if since <= left_at <= until
        ]
        return Late(*(sorted(1_000 * late for late in found) for found in (asking, first, tokens)))


def _completions(log: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return (one for one in log["requests"] if one["path"].endswith("/chat/completions"))


def _tokens_late(heard: Heard, sent: list[tuple[float, str]]) -> Iterator[tuple[float, float]]:
    """When the model sent each token, and how much later all of it was at the reader."""
    so_far = [one.length for one in heard.tokens]
    length = 0
    for sent_at, piece in sent:
        length += len(piece)
        place = bisect_left(so_far, length)
        if place == len(so_far):
            raise CommandError("The readers of a chat were not told all that the model said.")
        yield sent_at, heard.tokens[place].at - sent_at


async def measure(secret: str, values: dict[str, str], logs: Path, cores: set[int]) -> Chats:
    """Serve chats by an API and a worker of their own, and talk alone, then beside many others."""
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(running_openrouter(pace=PACE, seed=3))
        outside = {
            # Production would not ask a model without encryption.
            "ENVIRONMENT": "test",
            "OPENROUTER_BASE_URL": model.base_url,
            "OPENROUTER_API_KEY": "bench",
        }
        log = logs / "chat-worker.log"
        asking = running("worker", WORKER, {**values, **outside}, log, cores=cores)
        popen = stack.enter_context(asking)
        log = logs / "chat-api.log"
        api = stack.enter_context(serving("api", API, values, log, cores=cores))
        return await _measure(api, Program(popen), secret, model)


async def _measure(api: Server, worker: Program, secret: str, model: RunningOpenRouter) -> Chats:
    port = api.port
    chatters = Chatters(port, secret, model)
    turns = [await talk(port, *chat) for chat in await chatters.prepare(*[SHORT] * (TURNS + 1))]
    # The first one warms everything up.
    alone = await chatters.late(turns[1:], turns[1:])

    chats = await chatters.prepare(*[LONG] * STREAMS, *[SHORT] * TURNS)
    empty = [one.memory_kb() for one in (api, worker)]
    streams = [one async for one in _beginning(port, chats[:STREAMS], every_s=OPEN_EVERY_S)]
    since, before = time.time(), [one.cpu_s() for one in (api, worker)]
    beside: list[asyncio.Task[Heard]] = []
    fewest = STREAMS
    async for one in _beginning(port, chats[STREAMS:], every_s=TURN_EVERY_S):
        beside.append(one)
        fewest = min(fewest, sum(not stream.done() for stream in streams))
    until, after = time.time(), [one.cpu_s() for one in (api, worker)]
    full = [one.memory_kb() for one in (api, worker)]
    turns = await _answered(beside)
    heard = [*await _answered(streams), *turns]
    many = await chatters.late(turns, heard, since, until)
    tokens = len(many.tokens) / 1e6
    costs = [
        Cost(_less(full[place], empty[place], STREAMS), _less(after[place], before[place], tokens))
        for place in range(2)
    ]
    failed = len(streams) + len(beside) - len(heard)
    return Chats(alone, many, fewest, failed, *costs)


async def _answered(talking: list[asyncio.Task[Heard]]) -> list[Heard]:
    """Those who heard an answer to its end; on a machine that is too busy, not all do.

    Raises:
        CommandError: Nobody did.
    """
    told = await asyncio.gather(*talking, return_exceptions=True)
    heard = [one for one in told if isinstance(one, Heard)]
    if not heard:
        raise CommandError(f"No chat was answered: {told[0]!r}")
    return heard


async def _beginning(
    port: int, chats: list[tuple[str, str]], *, every_s: float
) -> AsyncGenerator[asyncio.Task[Heard]]:
    """Turns that begin one after the other, whether or not the others are over."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, chat in enumerate(chats, 1):
        yield asyncio.create_task(talk(port, *chat))
        await asyncio.sleep(began + number * every_s - loop.time())


def _less(now: float | None, then: float | None, parts: float) -> float | None:
    """What was added, for each part."""
    return None if now is None or then is None or not parts else (now - then) / parts
