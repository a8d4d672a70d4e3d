"""A Lua script in Redis whose concurrent calls share a round trip.

The round trip is most of a call's cost, so calls made in the same turn of the event loop, or while
earlier ones are under way, are sent as one pipeline.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Argument = str | bytes | int
BATCHES_AT_ONCE = 2
"""One batch is under way while the next is written; later calls wait for a third."""

_Call = tuple[tuple[Argument, ...], asyncio.Future[Any]]
"""The arguments of EVALSHA after the digest, and the future of the reply."""


class BatchedScript:
    """Runs a Lua script. Each call is atomic; a batch is not."""

    def __init__(self, redis: Redis, text: str) -> None:
        self._redis = redis
        self._script = redis.register_script(text)
        self._waiting: list[_Call] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def run(self, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """The script's reply.

        Raises:
            redis.RedisError, OSError: Redis is away, or the script failed.
        """
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(((len(keys), *keys, *arguments), reply))
        if len(self._waiting) == 1:
            self._start_batch()
        return await reply

    def _start_batch(self) -> None:
        if self._waiting and len(self._sending) < BATCHES_AT_ONCE:
            # The task runs after the current turn of the loop, so it includes all calls of it.
            task = asyncio.create_task(self._send_batch())
            self._sending.add(task)
            task.add_done_callback(self._on_batch_done)

    def _on_batch_done(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._start_batch()

    async def _send_batch(self) -> None:
        calls, self._waiting = self._waiting, []
        results: list[Any]
        try:
            results = await self._execute([arguments for arguments, _ in calls])
        except Exception as error:
            # Raised in every caller instead of here.
            results = [error] * len(calls)
        for (_, reply), result in zip(calls, results, strict=True):
            if reply.done():
                continue  # The caller was cancelled.
            if isinstance(result, Exception):
                reply.set_exception(result)
            else:
                reply.set_result(result)

    async def _execute(self, calls: list[tuple[Argument, ...]]) -> list[Any]:
        """The reply or error of each call; loads the script first where Redis has lost it."""
        results = await self._pipeline(calls)
        not_run = [
            index for index, result in enumerate(results) if isinstance(result, NoScriptError)
        ]
        if not_run:
            # Another process may have loaded the script in the middle of the pipeline, so only the
            # calls that were not run are sent again.
            await self._redis.script_load(self._script.script)
            for index in not_run:
                [results[index]] = await self._pipeline([calls[index]])
        return results

    async def _pipeline(self, calls: list[tuple[Argument, ...]]) -> list[Any]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for arguments in calls:
                pipeline.execute_command("EVALSHA", self._script.sha, *arguments)
            return await pipeline.execute(raise_on_error=False)
