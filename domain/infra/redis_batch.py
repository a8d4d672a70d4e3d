"""A script in Redis that is asked much: what is asked at the same moment travels together.

A round trip is most of what an answer costs, and those who ask at once need not each wait for one.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Argument = str | bytes | int
BATCHES_AT_ONCE = 2
"""One is answered while the next is written; what is asked meanwhile waits, and goes together."""

_Asked = tuple[tuple[Argument, ...], asyncio.Future[Any]]


class BatchedScript:
    """Runs a Lua script; each run is atomic, several need not be."""

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis = redis
        self._script = redis.register_script(text)
        self._asked: list[_Asked] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """What the script answers.

        Raises:
            redis.RedisError, OSError: It cannot be asked, or could not do it.
        """
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append(((len(keys), *keys, *arguments), answer))
        if len(self._asked) == 1:
            self._begin()
        return await answer

    def _begin(self) -> None:
        if self._asked and len(self._sending) < BATCHES_AT_ONCE:
            # Begins when everybody who is about to ask has asked.
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sent_off)

    def _sent_off(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._begin()

    async def _send(self) -> None:
        asked, self._asked = self._asked, []
        told: list[Any]
        try:
            told = await self._told([run for run, _ in asked])
        except Exception as error:
            # Whoever asked decides what it means.
            told = [error] * len(asked)
        for (_, answer), said in zip(asked, told, strict=True):
            if answer.done():
                continue  # Nobody waits for it any more.
            if isinstance(said, Exception):
                answer.set_exception(said)
            else:
                answer.set_result(said)

    async def _told(self, runs: list[tuple[Argument, ...]]) -> list[Any]:
        told = await self._sent(runs)
        unknown = [place for place, said in enumerate(told) if isinstance(said, NoScriptError)]
        if unknown:
            # A Redis that was started anew knows no scripts. Somebody else may have told it
            # meanwhile: what was run is not run again.
            await self._redis.script_load(self._script.script)
            for place in unknown:
                [told[place]] = await self._sent([runs[place]])
        return told

    async def _sent(self, runs: list[tuple[Argument, ...]]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as together:
            for run in runs:
                together.execute_command("EVALSHA", self._script.sha, *run)
            return await together.execute(raise_on_error=False)
