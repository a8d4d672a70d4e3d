"""Telling the queue that a job lives."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from saq import Job


@asynccontextmanager
async def heartbeat(job: Job) -> AsyncGenerator[None]:
    """Tell the queue that the job lives, in the job's own event loop."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(job.heartbeat / 3)
            with suppress(Exception):
                await job.update()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
