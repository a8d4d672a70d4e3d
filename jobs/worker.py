"""The background process: `saq jobs.worker.settings`."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import uuid4

import structlog
import uvloop
from saq import CronJob, Job
from saq.queue.redis import RedisQueue
from sqlalchemy.exc import SQLAlchemyError

from domain.errors import DomainError
from domain.infra.gc_tuning import tune_gc
from domain.infra.logging import configure_logging
from domain.payments.stripe import StripeRefused
from jobs import budget, chat, generation, limits, maintenance, payments
from jobs.context import WorkerContext
from jobs.relay import Relay
from jobs.services import WorkerServices
from settings import Settings
from settings.process import load_process

QUEUE = "factoids"

DRAIN_S = 75
"""A generation or a chat's turn may take 60 seconds; a worker told to stop lets it end."""

AT_ONCE = 150
"""Jobs of one worker; those that write an answer, nearly all of them, wait for a model."""

LISTENERS = 4
"""How many of its free hands wait at the queue itself, each on a connection of its own."""

CATCH_UP_EVERY_S = 30
"""How often a worker that starts while OpenRouter or Postgres is away looks again."""

log = structlog.get_logger()


LEFT_OVER = """
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
"""What to look through for jobs of killed workers. SAQ's own takes one for lost that a hand has
taken and not marked yet, which in a busy worker is one of three; here it has until the next look.
"""


class Jobs(RedisQueue):
    """A queue for many hands, which is quick about the jobs of a killed worker."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._at_the_queue = asyncio.Semaphore(LISTENERS)
        self._cleanup_script = self.redis.register_script(LEFT_OVER)

    async def dequeue(self, timeout: float = 0.0, poll_interval: float = 0.0) -> Job | None:  # noqa: ASYNC109 - SAQ's
        """As SAQ's, but hands beyond a few wait here: it would have each hold a connection."""
        try:
            async with asyncio.timeout(timeout or None):
                await self._at_the_queue.acquire()
        except TimeoutError:
            return None
        try:
            return await super().dequeue(timeout, poll_interval)
        finally:
            self._at_the_queue.release()

    async def sweep(self, lock: int = 60, abort: float = 0.2) -> list[str]:
        """SAQ waits five seconds for each stuck job to confirm its end, one after the other.

        A killed worker never does, and a living one does no harm: it has lost its lease.
        """
        return await super().sweep(lock, abort)


def open_queue(redis_url: str) -> Jobs:
    return Jobs.from_url(redis_url, name=QUEUE)  # pyright: ignore[reportReturnType]


async def catch_up(ctx: WorkerContext) -> None:
    """What may have been missed while no worker ran."""
    while True:
        try:
            found = await maintenance.refresh_models(ctx)
            await generation.catch_up_schedule(ctx)
        except (DomainError, SQLAlchemyError, OSError) as error:
            log.warning("catching_up_later", error=type(error).__name__)
        else:
            if found["models"]:
                log.info("caught_up")
                return
        await asyncio.sleep(CATCH_UP_EVERY_S)


async def reconcile(ctx: WorkerContext) -> None:
    """Payments that were made while no worker ran. Where it fails, the hour's will do it."""
    try:
        await payments.reconcile_checkouts(ctx)
    except (DomainError, StripeRefused, SQLAlchemyError, OSError) as error:
        log.warning("reconciling_later", error=type(error).__name__)


async def shutdown(ctx: WorkerContext) -> None:
    for task in (ctx["relay"], ctx["starting"], ctx["reconciling"]):
        task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await task
    await ctx["services"].close()


async def before_process(ctx: WorkerContext) -> None:
    """Bind the job, and the request it follows from, to every line it logs."""
    job: Job = ctx["job"]
    structlog.contextvars.clear_contextvars()
    request_id = (job.meta or {}).get("request_id") or uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=request_id, job=job.function, job_key=job.key)
    log.info("job_started", attempt=job.attempts)


async def after_process(ctx: WorkerContext) -> None:
    job: Job = ctx["job"]
    log.info("job_ended", status=job.status)


@dataclass
class PatientCronJob(CronJob[Any]):
    """A cron job that waits before it is tried again, which SAQ's own cannot be told."""

    retry_delay: float = 0


def cron(function: Any, schedule: str, *, timeout: int) -> CronJob[Any]:
    """A job on a schedule, run by one worker only; it is noticed as dead by its timeout."""
    return PatientCronJob(
        function,
        cron=schedule,
        unique=True,
        timeout=timeout,
        heartbeat=0,
        retries=3,
        ttl=600,
        retry_delay=20,
    )


FUNCTIONS = [
    generation.run_generation,
    generation.settle_generation,
    budget.send_budget_alert,
    generation.return_allowance,
    payments.begin_wished_generation,
    payments.tell_of_checkout,
    chat.run_chat_turn,
    chat.settle_chat_turn,
    chat.return_chat_allowance,
]

CRON_JOBS = [
    cron(maintenance.refresh_models, "7 * * * *", timeout=60),
    cron(maintenance.forget_old_repeats, "23 * * * *", timeout=120),
    cron(maintenance.forget_signed_out, "41 4 * * *", timeout=120),
    cron(maintenance.refresh_hot_ranks, "*/5 * * * *", timeout=120),
    cron(limits.keep_limit_counts, "* * * * *", timeout=50),
    cron(limits.forget_limit_counts, "41 4 * * *", timeout=300),
    cron(budget.release_orphaned_holds, "* * * * *", timeout=50),
    cron(budget.watch_budget, "* * * * *", timeout=50),
    cron(payments.reconcile_checkouts, "13 * * * *", timeout=600),
    cron(payments.check_payments_nightly, "43 3 * * *", timeout=1_800),
    cron(budget.check_ledger_nightly, "23 3 * * *", timeout=600),
]


def settings() -> dict[str, Any]:
    """What SAQ calls before it makes its event loop, which is the API's kind here."""
    # Deprecated, but SAQ accepts no loop of ours.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # pyright: ignore[reportDeprecated]
    return worker_settings(load_process())


def worker_settings(config: Settings) -> dict[str, Any]:
    """A worker as SAQ describes it: the queue, the jobs and how long they may take."""
    queue = open_queue(config.redis_url)

    async def startup(ctx: WorkerContext) -> None:
        """Open what the jobs need, and begin to move the outbox to the queue."""
        configure_logging(production=config.production, level=config.log_level)
        ctx["services"] = services = WorkerServices(config)
        await services.open()
        relay = Relay(services.database, queue)
        ctx["relay"] = asyncio.create_task(relay.run(), name="relay")
        ctx["starting"] = asyncio.create_task(catch_up(ctx), name="catch_up")
        ctx["reconciling"] = asyncio.create_task(reconcile(ctx), name="reconcile")
        tune_gc()
        log.info("worker_ready")

    return {
        "queue": queue,
        "functions": FUNCTIONS,
        "cron_jobs": [
            cron(generation.publish_scheduled_factoid, config.factoid_schedule, timeout=30),
            *CRON_JOBS,
        ],
        "cron_tz": UTC,
        "concurrency": AT_ONCE,
        "startup": startup,
        "shutdown": shutdown,
        "before_process": before_process,
        "after_process": after_process,
        # A worker told to stop waits for the longest of these.
        "timers": {"schedule": 1, "sweep": 2, "worker_info": 2, "abort": 1},
        "dequeue_timeout": 1,
        "shutdown_grace_period_s": DRAIN_S,
        "cancellation_hard_deadline_s": 5,
    }
