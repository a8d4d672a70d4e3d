"""Maintenance jobs: the catalogue of models, hot ranks, and expired rows."""

from decimal import Decimal

import structlog

from db.repositories.factoids import FactoidRepository
from db.repositories.idempotency import IdempotencyRepository
from domain.idempotency import KEPT_S
from domain.llm.failures import ModelFailed
from jobs.context import WorkerContext
from jobs.functions import cron
from jobs.services import WorkerServices

log = structlog.get_logger()


@cron("7 * * * *", timeout_s=60)
async def refresh_models(ctx: WorkerContext) -> dict[str, int]:
    """Refresh the catalogue of models from OpenRouter."""
    return {"models": await refresh_catalogue(ctx["services"])}


async def refresh_catalogue(services: WorkerServices) -> int:
    """Refresh the catalogue and return how many models may be used.

    While OpenRouter is unavailable the stored catalogue stays in use, and 0 is returned.
    """
    try:
        return await services.catalogue.refresh(
            services.openrouter,
            allowed=services.settings.model_patterns,
            prices=services.settings.model_prices,
            ceiling_usd=Decimal(services.settings.model_price_ceiling_usd),
        )
    except ModelFailed as failure:
        log.warning("models_not_refreshed", code=failure.code)
        return 0


@cron("23 * * * *", timeout_s=120)
async def delete_old_idempotency_keys(ctx: WorkerContext) -> dict[str, int]:
    """Delete stored responses that have expired, so that a repeated request counts as new."""
    async with ctx["services"].database.sessions.begin() as session:
        return {"keys": await IdempotencyRepository(session).delete_old(KEPT_S)}


@cron("*/5 * * * *", timeout_s=120)
async def refresh_hot_ranks(ctx: WorkerContext) -> None:
    """Recompute the ranks of recent factoids, which fall with age; a second run changes nothing."""
    async with ctx["services"].database.sessions.begin() as session:
        await FactoidRepository(session).refresh_hot_ranks()


@cron("41 4 * * *", timeout_s=120)
async def delete_old_sign_outs(ctx: WorkerContext) -> dict[str, int]:
    """Delete signed-out identities whose cookies have all expired."""
    return {"deleted": await ctx["services"].accounts.delete_expired_sign_outs()}
