"""From the outbox to the queue.

The queue may be emptied or lose a job at any time; the outbox row stays until the job is
done and is offered again, so the job still happens.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg
import structlog
from redis.exceptions import RedisError
from saq import Queue
from sqlalchemy.exc import SQLAlchemyError

from db.models import OutboxRow
from db.repositories.outbox import CHANNEL, OutboxRepository
from db.session import Database

LOOK_EVERY_S = 1.0
"""In case a wake-up is lost."""

OFFER_AGAIN_S = 10
BATCH = 100

log = structlog.get_logger()


@dataclass(frozen=True)
class Terms:
    """How a job is run; nothing is left to SAQ's defaults."""

    timeout: int
    retries: int
    heartbeat: int
    ttl: int
    retry_delay: float
    retry_backoff: float


TERMS = {
    # A heartbeat, so that the job of a killed worker is noticed within seconds.
    "run_generation": Terms(
        timeout=90, retries=5, heartbeat=10, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "send_budget_alert": Terms(
        timeout=45, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "settle_generation": Terms(
        timeout=30, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "begin_wished_generation": Terms(
        timeout=30, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "tell_of_checkout": Terms(
        timeout=45, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "run_chat_turn": Terms(
        timeout=90, retries=5, heartbeat=10, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "settle_chat_turn": Terms(
        timeout=30, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "return_chat_allowance": Terms(
        timeout=10, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
    "return_allowance": Terms(
        timeout=10, retries=3, heartbeat=0, ttl=60, retry_delay=1, retry_backoff=10
    ),
}


class Relay:
    def __init__(self, database: Database, queue: Queue) -> None:
        self._database = database
        self._queue = queue
        self._woken = asyncio.Event()

    async def run(self) -> None:
        """Move due rows whenever one is announced, and once a second in any case."""
        listening = asyncio.create_task(self._listen())
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await self._woken.wait()
                self._woken.clear()
                try:
                    while await self.move() == BATCH:
                        pass
                except (SQLAlchemyError, RedisError, OSError) as error:
                    log.warning("relay_waits", error=type(error).__name__)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def move(self) -> int:
        """Offer the due rows to the queue; how many there were.

        The rows are only marked as offered when the queue has taken them all.
        """
        async with self._database.sessions.begin() as session:
            rows = await OutboxRepository(session).take_due(BATCH, OFFER_AGAIN_S)
            for row in rows:
                await self._offer(row)
        return len(rows)

    async def _offer(self, row: OutboxRow) -> None:
        terms = TERMS[row.job]
        arguments: dict[str, Any] = dict(row.arguments)
        meta = arguments.pop("meta", {})
        await self._queue.enqueue(
            row.job,
            key=row.key,
            timeout=terms.timeout,
            retries=terms.retries,
            heartbeat=terms.heartbeat,
            ttl=terms.ttl,
            retry_delay=terms.retry_delay,
            retry_backoff=terms.retry_backoff,
            meta=meta,
            **arguments,
        )

    async def _listen(self) -> None:
        """Be woken by Postgres; a lost connection is opened again."""
        while True:
            lost = asyncio.Event()
            try:
                connection = await asyncpg.connect(self._database.url)
            except (asyncpg.PostgresError, OSError) as error:
                log.warning("relay_does_not_hear", error=type(error).__name__)
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            try:
                connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
                await lost.wait()
            finally:
                connection.terminate()
