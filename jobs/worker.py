"""The background process: `saq jobs.worker.settings`."""

import asyncio
from contextlib import suppress
from datetime import UTC
from typing import Any
from uuid import uuid4

import structlog
import uvloop
from saq import CronJob
from sqlalchemy.exc import SQLAlchemyError

from domain.errors import DomainError
from domain.infra.gc_tuning import tune_gc
from domain.infra.logging import configure_logging
from domain.payments.stripe import StripeRefused
from jobs import budget, chat, generation, limits, maintenance, payments
from jobs.context import WorkerContext
from jobs.functions import FUNCTIONS, SCHEDULED, Scheduled, check_job_functions
from jobs.queue import DelayedRetryCronJob, JobQueue, open_queue
from jobs.relay import Relay
from jobs.services import WorkerServices
from settings import Settings
from settings.process import load_process

MODULES = (budget, chat, generation, limits, maintenance, payments)
"""Importing them registers their jobs."""

DRAIN_S = 75
"""A generation or a chat's turn may take 60 seconds; a worker that shuts down lets it finish."""

CONCURRENCY = 150
"""Jobs of one worker; those that write an answer, nearly all of them, wait for a model."""

CATCH_UP_EVERY_S = 30
"""How often a worker that starts while OpenRouter or Postgres is unavailable tries again."""

log = structlog.get_logger()


def settings() -> dict[str, Any]:
    """SAQ's entry point. It runs before SAQ creates its event loop, which becomes uvloop's."""
    # Deprecated, but SAQ accepts no loop of ours.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # pyright: ignore[reportDeprecated]
    return worker_settings(load_process())


def worker_settings(config: Settings) -> dict[str, Any]:
    """The settings of a SAQ worker.

    Raises:
        LookupError: See `check_job_functions`.
    """
    check_job_functions()
    process = WorkerProcess(config)
    return {
        "queue": process.queue,
        "functions": list(FUNCTIONS.items()),
        "cron_jobs": [cron_job(scheduled, config) for scheduled in SCHEDULED],
        "cron_tz": UTC,
        "concurrency": CONCURRENCY,
        "startup": process.start,
        "shutdown": process.stop,
        "before_process": before_process,
        "after_process": after_process,
        # On shutdown a worker waits for the longest of these.
        "timers": {"schedule": 1, "sweep": 2, "worker_info": 2, "abort": 1},
        "dequeue_timeout": 1,
        "shutdown_grace_period_s": DRAIN_S,
        "cancellation_hard_deadline_s": 5,
    }


def cron_job(scheduled: Scheduled, config: Settings) -> CronJob[Any]:
    return DelayedRetryCronJob(
        scheduled.function,
        cron=scheduled.schedule_in(config),
        unique=True,
        timeout=scheduled.timeout_s,
        heartbeat=0,
        retries=3,
        ttl=600,
        retry_delay=20,
    )


class WorkerProcess:
    """The services of a worker, and its background tasks: the relay and catching up."""

    def __init__(self, config: Settings) -> None:
        self.queue: JobQueue = open_queue(config.redis_url)
        self._services = WorkerServices(config)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self, ctx: WorkerContext) -> None:
        config = self._services.settings
        configure_logging(production=config.production, level=config.log_level)
        await self._services.open()
        ctx["services"] = self._services
        relay = Relay(self._services.database, self.queue)
        self._tasks = [
            asyncio.create_task(relay.run(), name="relay"),
            asyncio.create_task(catch_up(self._services), name="catch_up"),
            asyncio.create_task(reconcile(self._services), name="reconcile"),
        ]
        tune_gc()
        log.info("worker_ready")

    async def stop(self, _: WorkerContext) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        await self._services.close()


async def catch_up(services: WorkerServices) -> None:
    """Do what may have been missed while no worker ran."""
    while True:
        try:
            models = await maintenance.refresh_catalogue(services)
            await generation.catch_up_schedule(services)
        except (DomainError, SQLAlchemyError, OSError) as error:
            log.warning("catch_up_delayed", error=type(error).__name__)
        else:
            if models:
                log.info("caught_up")
                return
        await asyncio.sleep(CATCH_UP_EVERY_S)


async def reconcile(services: WorkerServices) -> None:
    """Apply payments made while no worker ran; where this fails, the hourly job does it."""
    try:
        await services.reconciliation.reconcile()
    except (DomainError, StripeRefused, SQLAlchemyError, OSError) as error:
        log.warning("reconciliation_delayed", error=type(error).__name__)


async def before_process(ctx: WorkerContext) -> None:
    """Bind the job, and the request it follows from, to every line it logs."""
    job = ctx["job"]
    structlog.contextvars.clear_contextvars()
    request_id = (job.meta or {}).get("request_id") or uuid4().hex
    structlog.contextvars.bind_contextvars(request_id=request_id, job=job.function, job_key=job.key)
    log.info("job_started", attempt=job.attempts)


async def after_process(ctx: WorkerContext) -> None:
    log.info("job_ended", status=ctx["job"].status)
