"""The queue: SAQ's on Redis, for many concurrent jobs and quick recovery from a killed worker."""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError
from saq import CronJob, Job
from saq.queue.redis import RedisQueue

from domain.infra.redis import open_redis_for_queue

NAME = "factoids"

LISTENERS = 4
"""How many of a worker's free slots wait for a job at once, each on its own connection."""

FIRST_WAIT_S = 0.1
FAILURES_COUNTED = 5
"""Up to which each failure doubles the wait: 3 s at most."""

LOST_JOBS = """
local found = {}
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('SETEX', KEYS[1], ARGV[1], 1)
    local taken, before = KEYS[1] .. ':taken', {}
    for _, id in ipairs(redis.call('SMEMBERS', taken)) do before[id] = true end
    redis.call('DEL', taken)
    for _, id in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
        local job = redis.call('GET', id)
        if job and not before[id] and cjson.decode(job).status == 'queued' then
            redis.call('SADD', taken, id)
        else
            found[#found + 1] = {id, job}
        end
    end
end
return found
"""
"""The jobs that a sweep inspects. SAQ's own script treats a job as lost between BLMOVE and the
status write; under load that hit one job in three. This one requires two sweeps in a row.
"""


log = structlog.get_logger()


class JobQueue(RedisQueue):
    """SAQ's queue with fewer connections, and a sweep without false positives and long waits."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._listeners = asyncio.Semaphore(LISTENERS)
        self._failures = 0
        """In a row, of asking for a job."""
        # A private attribute of SAQ 0.26, which offers no other way.
        self._cleanup_script = self.redis.register_script(LOST_JOBS)

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:  # noqa: ASYNC109 - SAQ's
        """As SAQ's, but only a few listen at once; SAQ would hold a connection for each slot."""
        try:
            async with asyncio.timeout(timeout or None):
                await self._listeners.acquire()
        except TimeoutError:
            return None
        try:
            job = await super().dequeue(timeout, poll_interval)
        except (RedisError, OSError) as error:
            await self._wait_after(error)
            return None
        finally:
            self._listeners.release()
        self._failures = 0
        return job

    async def _wait_after(self, error: Exception) -> None:
        """SAQ would ask again at once, as fast as it can."""
        if self._failures == 0:
            log.warning("queue_unavailable", error=type(error).__name__)
        self._failures = min(self._failures + 1, FAILURES_COUNTED)
        await asyncio.sleep(FIRST_WAIT_S * 2**self._failures)

    async def sweep(self, lock: int = 60, abort: float = 0.2) -> list[str]:
        """SAQ waits five seconds for each stuck job to confirm its abortion, one after the other.

        A killed worker never confirms, and a living one does no harm: it has lost its lease.
        """
        return await super().sweep(lock, abort)


def open_queue(redis_url: str, name: str = NAME) -> JobQueue:
    return JobQueue(open_redis_for_queue(redis_url), name=name)


@dataclass
class DelayedRetryCronJob(CronJob[Any]):
    """A cron job with a delay before a retry, for which SAQ's own has no field."""

    retry_delay: float = 0
