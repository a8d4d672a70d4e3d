"""Upkeep: the catalogue of models, ranks that sink with age, what is kept for repeats."""

from decimal import Decimal

import structlog

from db.repositories.factoids import FactoidRepository
from db.repositories.idempotency import IdempotencyRepository
from domain.idempotency import KEPT_S
from domain.llm.failures import ModelFailed
from jobs.context import WorkerContext

log = structlog.get_logger()


async def refresh_models(ctx: WorkerContext) -> dict[str, int]:
    """Read OpenRouter's catalogue anew. When it is away, what is kept goes on being served."""
    services = ctx["services"]
    try:
        count = await services.catalogue.refresh(
            services.openrouter,
            allowed=services.settings.models_allowed.split(","),
            ceiling_usd=Decimal(services.settings.model_price_ceiling_usd),
        )
    except ModelFailed as failure:
        log.warning("models_not_refreshed", code=failure.code)
        return {"models": 0}
    return {"models": count}


async def forget_old_repeats(ctx: WorkerContext) -> dict[str, int]:
    """Delete what was answered so long ago that a repeat of it counts as new."""
    async with ctx["services"].database.sessions.begin() as session:
        return {"keys": await IdempotencyRepository(session).forget_old(KEPT_S)}


async def refresh_hot_ranks(ctx: WorkerContext) -> None:
    """Let the ranks of young factoids sink. Run twice, it does the same."""
    async with ctx["services"].database.sessions.begin() as session:
        await FactoidRepository(session).refresh_hot_ranks()


async def forget_signed_out(ctx: WorkerContext) -> dict[str, int]:
    """Drop signed-out identities that no cookie can name any more."""
    return {"forgotten": await ctx["services"].accounts.forget_signed_out()}
