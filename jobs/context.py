"""What every job finds in its context."""

import asyncio
from typing import Any, TypedDict

from redis.asyncio import Redis

from db.repositories.factoids import FactoidReads
from db.session import Database
from domain.accounts.credential_cache import Register
from domain.accounts.service import Accounts
from domain.chat.admission import Admission
from domain.chat.service import ChatService
from domain.chat.web import open_web_search
from domain.cursor import Cursors
from domain.factoids.service import FactoidService
from domain.generation.requests import GenerationRequests
from domain.generation.service import GenerationService
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.llm.catalogue import CatalogueService
from domain.llm.openrouter import OpenRouter
from domain.payments.analytics import Analytics
from domain.payments.post_purchase import Wishes
from domain.payments.reconciliation import Reconciliation
from domain.payments.refunds import Refunds
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe, open_stripe
from domain.spending.alerts import Alerts
from domain.spending.budget import Budget, BudgetLimits
from domain.spending.channels import channels_of
from settings import Settings


class WorkerContext(TypedDict):
    settings: Settings
    database: Database
    redis: Redis
    openrouter: OpenRouter
    catalogue: CatalogueService
    limiter: RateLimiter
    accounts: Accounts
    requests: GenerationRequests
    generation: GenerationService
    chat: ChatService
    alerts: Alerts
    stripe: Stripe | None
    payments: PaymentService
    reconciliation: Reconciliation
    refunds: Refunds
    wishes: Wishes
    relay: "asyncio.Task[None]"
    starting: "asyncio.Task[None]"
    reconciling: "asyncio.Task[None]"
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
    # This process lets nobody in: what it revokes, the others see when they look.
    register = Register(*config.server_secrets)
    ctx["accounts"] = Accounts(database.sessions, register, config.secret_key)
    ctx["catalogue"] = CatalogueService(database.sessions)
    ctx["limiter"] = RateLimiter(redis, Policies(config))
    ctx["requests"] = GenerationRequests(
        database.sessions, ctx["catalogue"], ctx["limiter"], Budget(BudgetLimits.of(config))
    )
    ctx["alerts"] = Alerts(database.sessions, channels_of(config))
    ctx["wishes"] = Wishes(database.sessions, ctx["requests"])
    ctx["stripe"] = open_stripe(config)
    ctx["payments"] = PaymentService(
        database.sessions,
        ctx["stripe"],
        Analytics(database.sessions, config),
        ctx["wishes"],
        config.webhook_secrets,
    )
    ctx["reconciliation"] = Reconciliation(database.sessions, ctx["payments"])
    ctx["refunds"] = Refunds(database.sessions, ctx["payments"])
    ctx["generation"] = GenerationService(
        database.sessions, ctx["openrouter"], redis, ctx["limiter"]
    )
    ctx["chat"] = ChatService(
        database.sessions,
        ctx["openrouter"],
        redis,
        ctx["limiter"],
        Admission(ctx["limiter"], Budget(BudgetLimits.of(config))),
        FactoidService(FactoidReads(database.reads), Cursors(*config.server_secrets)),
        open_web_search(config),
        site_url=config.site_url,
    )


async def close(ctx: WorkerContext) -> None:
    """Close what `fill` was given and what it opened."""
    await ctx["openrouter"].close()
    if ctx["stripe"]:
        await ctx["stripe"].close()
    await ctx["redis"].aclose()
    await ctx["database"].close()
