"""How an answer reaches the client: whole or streamed, at what pace, and where it breaks off."""

import asyncio
import zlib
from dataclasses import dataclass, replace
from typing import Any

from .answers import MEGABYTE, Answer
from .gate import Gate
from .habits import Habit
from .ledger import FOR_EVER, Generation
from .scenarios import Scenario
from .wire import Connection, ConnectionCut, to_json

HANG_S = 120.0
KEEP_ALIVE_S = 1.0
DRIP_S = 1.0
FIRST_TOKEN_S = 0.3
"""How long a model thinks at human pace."""

KEEP_ALIVE = b": OPENROUTER PROCESSING\n\n"
INTERRUPTING = {"cut", "gated", "hang-mid-stream", "mid-stream-error"}
WITHOUT_USAGE = {"usage-missing", "generation-404-3", "generation-never"}
MID_STREAM_ERROR: dict[str, Any] = {
    "code": "server_error",
    "message": "Provider disconnected unexpectedly",
    "metadata": {"error_type": "provider_unavailable", "provider_code": 500},
}


@dataclass
class Delivery:
    """One answer on its way."""

    connection: Connection
    generation: Generation
    answer: Answer
    scenario: Scenario
    gate: Gate
    pace: float
    """Tokens per second; 0 for as fast as possible."""
    habit: Habit | None = None

    def __post_init__(self) -> None:
        name, generation = self.scenario.name, self.generation
        if name == "slow":
            self.pace = self.scenario.number(20)
        self._deltas = self.answer.deltas()
        self._last_reason: str | None = self.answer.finish_reason
        if self.habit:
            before = [m for m in generation.prompt.messages if m.get("role") == "tool"]
            self._deltas = self.habit.spell(self._deltas, len(before))
            self._last_reason = self.habit.finish_reason(self.answer.finish_reason)
        generation.times = {"cost-x10": self.scenario.number(10), "cost-zero": 0}.get(name, 1)
        if name == "generation-404-3":
            generation.hidden_times = self.scenario.number(3)
        if name == "generation-never":
            generation.hidden_times = FOR_EVER

    @property
    def streams(self) -> bool:
        return self.generation.prompt.streams

    async def send(self) -> None:
        """Send the answer as the scenario wants it.

        Raises:
            ConnectionCut: The scenario breaks the connection off.
        """
        name = self.scenario.name
        if name == "hang-before-headers":
            await asyncio.sleep(HANG_S)
        if name == "gated-headers":
            await self.gate.wait()
        self.connection.every_byte_s = {"ok-stream-keepalives": 0, "drip": DRIP_S}.get(name)
        self.generation.begun = True
        if name == "gzip-bomb":
            await self._send_bomb()
        elif self.streams:
            await self._send_stream()
        else:
            await self._send_whole()

    def client_left(self) -> None:
        """The client closed early: plain JSON and some providers are billed to the end."""
        generation = self.generation
        if generation.finish_reason:
            return
        generation.cancelled = True
        if generation.begun and not (self.streams and generation.model.stops_billing_on_cancel):
            self._bill_all()

    async def _send_stream(self) -> None:
        name = self.scenario.name
        at = self.scenario.number(5) if name in INTERRUPTING else len(self._deltas)
        await self.connection.begin(200, self._headers("text/event-stream"))
        for _ in range(3 if name == "ok-stream-keepalives" else 1):
            await self.connection.body(KEEP_ALIVE)
        if name == "cut-before-token":
            raise ConnectionCut
        await self._pause(thinking_s=FIRST_TOKEN_S)
        await self._send_tokens(self._deltas[:at])
        if name == "mid-stream-error":
            self.generation.finish_reason = "error"
            broken = self._chunk({"content": ""}, "error") | {"error": MID_STREAM_ERROR}
            await self._send_event(broken)
            await self.connection.end()
            return
        if name in INTERRUPTING:
            await self._interrupt(KEEP_ALIVE)
        await self._send_tokens(self._deltas[at:])
        await self._send_event(self._chunk({"content": ""}, self._last_reason))
        if name == "gated-end":
            await self.gate.wait()
        self.generation.finish_reason = self.answer.finish_reason
        if usage := self._usage():
            await self._send_event(self._usage_chunk(usage))
        await self.connection.body(b"data: [DONE]\n\n")
        await self.connection.end()

    async def _send_tokens(self, deltas: list[dict[str, Any]]) -> None:
        for delta in deltas:
            self._bill(delta)
            if piece := _said(delta):
                self.generation.leaves(piece)
            await self._send_event(self._chunk(delta))
            await self._pause(tokens=1)

    async def _send_whole(self) -> None:
        name = self.scenario.name
        if name == "mid-stream-error":
            self.answer = replace(
                self.answer.within(self.scenario.number(5)), finish_reason="error"
            )
            self._deltas = self.answer.deltas()
        await self._pause(tokens=len(self._deltas), thinking_s=FIRST_TOKEN_S)
        self._bill_all()
        body = to_json(self._whole())
        await self.connection.begin(200, self._headers("application/json"), len(body))
        if name == "cut-before-token":
            raise ConnectionCut
        half = len(body) // 2
        await self.connection.body(body[:half])
        if name in INTERRUPTING - {"mid-stream-error"}:
            await self._interrupt(b"")
        if name == "gated-end":
            await self.gate.wait()
        self.generation.finish_reason = self.answer.finish_reason
        await self.connection.body(body[half:])

    async def _interrupt(self, keep_alive: bytes) -> None:
        if self.scenario.name == "cut":
            raise ConnectionCut
        if self.scenario.name == "gated":
            await self.gate.wait()
            return
        for _ in range(round(HANG_S / KEEP_ALIVE_S)):
            await self.connection.body(keep_alive)
            await asyncio.sleep(KEEP_ALIVE_S)

    async def _send_bomb(self) -> None:
        self._bill_all()
        self.generation.finish_reason = self.answer.finish_reason
        bomb = await asyncio.to_thread(_gzipped_spaces, self.scenario.number(100))
        kind = "text/event-stream" if self.streams else "application/json"
        headers = self._headers(kind) | {"content-encoding": "gzip"}
        await self.connection.answer(200, headers, bomb)

    async def _send_event(self, event: dict[str, Any]) -> None:
        await self.connection.body(b"data: %b\n\n" % to_json(event))

    async def _pause(self, *, tokens: int = 0, thinking_s: float = 0) -> None:
        """Wait as long as a model would at our pace; without one only let others run."""
        await asyncio.sleep(thinking_s + tokens / self.pace if self.pace else 0)

    def _bill(self, delta: dict[str, Any]) -> None:
        self.generation.count()
        self.generation.reasoning_tokens += "reasoning" in delta

    def _bill_all(self) -> None:
        self.generation.completion_tokens = self.generation.reasoning_tokens = 0
        for delta in self._deltas:
            self._bill(delta)

    def _headers(self, kind: str) -> dict[str, str]:
        cache = {"cache-control": "no-cache"} if self.streams else {}
        return {"content-type": kind, "x-generation-id": self.generation.id} | cache

    def _usage(self) -> dict[str, Any] | None:
        if self.scenario.name in WITHOUT_USAGE:
            return None
        return self.generation.usage(cost_known=self.scenario.name != "cost-null")

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.generation.id,
            "provider": self.generation.model.author.title(),
            "model": self.generation.model.id,
            "object": kind,
            "created": int(self.generation.created),
            "system_fingerprint": None,
            "choices": choices,
        }

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "delta": {"role": "assistant"} | delta,
            "finish_reason": finish_reason,
            "native_finish_reason": finish_reason,
            "logprobs": None,
        }
        return self._frame("chat.completion.chunk", [choice])

    def _usage_chunk(self, usage: dict[str, Any]) -> dict[str, Any]:
        """The last chunk; OpenAI's have no choices, others' an empty one."""
        chunk = self._chunk({"content": ""})
        if self.generation.model.author == "openai":
            chunk["choices"] = []
        return chunk | {"usage": usage}

    def _whole(self) -> dict[str, Any]:
        choice: dict[str, Any] = {
            "index": 0,
            "finish_reason": self.answer.finish_reason,
            "native_finish_reason": self.answer.finish_reason,
            "message": self.answer.message(),
            "logprobs": None,
        }
        if self.scenario.name == "mid-stream-error":
            choice["error"] = MID_STREAM_ERROR
        usage = self._usage()
        return self._frame("chat.completion", [choice]) | ({"usage": usage} if usage else {})


def _said(delta: dict[str, Any]) -> str:
    """What a delta adds to the answer: text, or a piece of a tool's arguments."""
    calls = delta.get("tool_calls")
    content = calls[0]["function"]["arguments"] if calls else delta.get("content")
    return content if isinstance(content, str) else ""


def _gzipped_spaces(megabytes: int) -> bytes:
    """A gzip body of few bytes that unpacks to as many megabytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    spaces = b" " * MEGABYTE
    packed = [packer.compress(spaces) for _ in range(megabytes)]
    return b"".join([*packed, packer.flush()])
