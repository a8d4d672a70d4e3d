"""Moves jobs from the outbox to the queue.

The queue may be emptied or lose a job at any time. The row of the outbox stays until the job is
done and is enqueued again, so the job still runs.
"""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from redis.exceptions import RedisError
from saq import Queue
from sqlalchemy.exc import SQLAlchemyError

from db.models import OutboxRow
from db.repositories.outbox import CHANNEL, OutboxRepository
from db.session import Database, connect_options
from domain.jobs import DECLARED

POLL_EVERY_S = 1.0
"""Polled in case a notification is lost."""

ENQUEUE_AGAIN_S = 10
BATCH = 100

log = structlog.get_logger()


class Relay:
    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue
        self._notified = asyncio.Event()

    async def run(self) -> None:
        """Move due rows whenever Postgres announces one, and once a second in any case."""
        listening = asyncio.create_task(self._listen())
        delayed = False
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_EVERY_S):
                        await self._notified.wait()
                self._notified.clear()
                try:
                    while await self.move_due() == BATCH:
                        pass
                    delayed = False
                except (SQLAlchemyError, RedisError, OSError) as error:
                    if not delayed:
                        log.warning("relay_delayed", error=type(error).__name__)
                    delayed = True
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def move_due(self) -> int:
        """Enqueue the due rows and return how many there were.

        Their next due time is committed only after the queue has accepted all of them.
        """
        async with self._database.sessions.begin() as session:
            rows = await OutboxRepository(session).claim_due(BATCH, ENQUEUE_AGAIN_S)
            for row in rows:
                await self._enqueue(row)
        return len(rows)

    async def _enqueue(self, row: OutboxRow) -> None:
        job = DECLARED.get(row.job)
        if job is None:
            # Stored by another version; a worker of that version runs it. Due again in 10 s.
            log.error("job_unknown", job=row.job)
            return
        arguments: dict[str, Any] = dict(row.arguments)
        meta = arguments.pop("meta", {})
        await self._queue.enqueue(
            job.name,
            key=row.key,
            timeout=job.timeout_s,
            retries=job.retries,
            heartbeat=job.heartbeat_s,
            ttl=job.ttl_s,
            retry_delay=job.retry_delay_s,
            retry_backoff=job.retry_delay_at_most_s,
            meta=meta,
            **arguments,
        )

    async def _listen(self) -> None:
        """Listen for Postgres' notifications; a lost connection is opened again."""
        while True:
            lost = asyncio.Event()
            try:
                connection = await asyncpg.connect(**connect_options(self._database.url))
            except (asyncpg.PostgresError, OSError) as error:
                log.warning("relay_not_listening", error=type(error).__name__)
                await asyncio.sleep(POLL_EVERY_S)
                continue
            try:
                connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, lambda *_: self._notified.set())
                await lost.wait()
            finally:
                connection.terminate()
