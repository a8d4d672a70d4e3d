"""What every job finds in its context."""

import asyncio
from typing import Any, TypedDict

from redis.asyncio import Redis

from db.session import Database
from domain.generation.requests import GenerationRequests
from domain.generation.service import GenerationService
from domain.limits.allowance import parse_windows
from domain.llm.catalogue import CatalogueService
from domain.llm.openrouter import OpenRouter
from settings import Settings


class WorkerContext(TypedDict):
    settings: Settings
    database: Database
    redis: Redis
    openrouter: OpenRouter
    catalogue: CatalogueService
    requests: GenerationRequests
    generation: GenerationService
    relay: "asyncio.Task[None]"
    starting: "asyncio.Task[None]"
    job: Any
    """The job being worked off; absent when it is run by hand."""


def fill(ctx: WorkerContext, database: Database, redis: Redis, config: Settings) -> None:
    """Build the services once per process."""
    ctx["settings"] = config
    ctx["database"] = database
    ctx["redis"] = redis
    ctx["openrouter"] = OpenRouter(
        base_url=config.openrouter_base_url,
        api_key=config.openrouter_api_key or "",
        site_url=config.site_url,
    )
    ctx["catalogue"] = CatalogueService(database.sessions)
    ctx["requests"] = GenerationRequests(
        database.sessions, ctx["catalogue"], parse_windows(config.generate_limits)
    )
    ctx["generation"] = GenerationService(database.sessions, ctx["openrouter"], redis)
