"""The stand-in as a process of its own, for tests."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from .server import API, CONTROL

ROOT = Path(__file__).parents[3]
"""Where `tests` is found."""

MOST_START_S = 30.0


class RunningOpenRouter:
    """A running stand-in and the strings to pull."""

    def __init__(self, base_url: str, control: httpx.AsyncClient) -> None:
        self.base_url = base_url
        """What the product calls OpenRouter's base URL, `http://127.0.0.1:PORT/api/v1`."""
        self._control = control

    async def queue(self, *scenarios: str) -> None:
        """Line scenarios up for the next completions, one each."""
        await self._post("next", {"scenarios": scenarios})

    async def say(self, *contents: str, held: bool = False) -> None:
        """Line up what the next completions answer, word for word, one each; held, they wait at
        the gate once all is said.
        """
        await self._post("next", {"say": contents, "held": held})

    async def call(self, *tools: tuple[str, Any], said: str | None = None) -> None:
        """Line up one completion that calls tools, each by name with its arguments: text as it is,
        all else as JSON.
        """
        written = [
            (name, given if isinstance(given, str) else json.dumps(given)) for name, given in tools
        ]
        await self._post("next", {"call": written, "said": said})

    async def set_habit(self, provider: str) -> None:
        """Spell answers, and refuse requests, as a provider does; until the next reset."""
        await self._post("next", {"habit": provider})

    async def set_models(self, mode: str) -> None:
        """How `/models` answers from now on: ok, 500, odd-prices, empty or hang."""
        await self._post("next", {"models": mode})

    async def set_key_limit(self, limit_usd: str | None) -> None:
        """Refuse completions with 402 once the bill has reached this."""
        await self._post("next", {"key_limit_usd": limit_usd})

    async def open(self) -> None:
        """Let go of the answers waiting at the gate, or of the next one to come."""
        await self._post("open")

    async def wait_arrived(self, count: int = 1) -> None:
        """Until so many completions have been asked for since the last reset."""
        await self._post("wait", {"for": "arrival", "count": count})

    async def wait_at_gate(self, count: int = 1) -> None:
        """Until so many answers wait at the gate."""
        await self._post("wait", {"for": "gate", "count": count})

    async def wait_idle(self) -> dict[str, Any]:
        """Until no completion is under way, for instance after a client has left; the log then."""
        return await self._post("wait", {"for": "idle"})

    async def log(self) -> dict[str, Any]:
        """`{"requests": [...], "total_cost": "0.000..."}` since the start or the last reset."""
        answer = await self._control.get(f"{CONTROL}/log")
        return answer.raise_for_status().json()

    async def reset(self) -> None:
        """Forget the log, the bill, the queue and which facts were used."""
        await self._post("reset")

    async def _post(self, action: str, orders: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = await self._control.post(f"{CONTROL}/{action}", json=orders or {})
        if answer.is_error:
            raise ValueError(answer.json()["error"]["message"])
        return answer.json()


@asynccontextmanager
async def running_openrouter(
    *, pace: float = 0, facts: Path | None = None, seed: int = 0
) -> AsyncGenerator[RunningOpenRouter, None]:
    """Start the stand-in on a free port and end it afterwards, whatever happens."""
    options = ["--port", "0", "--pace", str(pace), "--seed", str(seed), "--until-stdin-closes"]
    if facts:
        options += ["--facts", str(facts)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.standins.openrouter", *options),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        ready = await asyncio.wait_for(process.stdout.readline(), MOST_START_S)
        _, _, base_url = ready.decode().strip().partition(" at ")
        if not base_url:
            raise RuntimeError("The stand-in for OpenRouter did not start.")
        async with httpx.AsyncClient(
            base_url=base_url.removesuffix(API), trust_env=False, timeout=150
        ) as control:
            yield RunningOpenRouter(base_url, control)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
