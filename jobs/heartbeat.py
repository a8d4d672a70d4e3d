"""The heartbeat of a running job."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from saq import Job


@asynccontextmanager
async def heartbeat(job: Job) -> AsyncGenerator[None]:
    """Report to the queue, from the job's own event loop, that the job is alive."""

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
