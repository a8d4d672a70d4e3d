"""Upkeep: the catalogue of models, and ranks that sink with age."""

from decimal import Decimal

import structlog

from db.repositories.factoids import FactoidRepository
from domain.llm.failures import ModelFailed
from jobs.context import WorkerContext

log = structlog.get_logger()


async def refresh_models(ctx: WorkerContext) -> dict[str, int]:
    """Read OpenRouter's catalogue anew. When it is away, what is kept goes on being served."""
    config = ctx["settings"]
    try:
        count = await ctx["catalogue"].refresh(
            ctx["openrouter"],
            allowed=config.models_allowed.split(","),
            ceiling_usd=Decimal(config.model_price_ceiling_usd),
        )
    except ModelFailed as failure:
        log.warning("models_not_refreshed", code=failure.code)
        return {"models": 0}
    return {"models": count}


async def refresh_hot_ranks(ctx: WorkerContext) -> None:
    """Let the ranks of young factoids sink. Run twice, it does the same."""
    async with ctx["database"].sessions.begin() as session:
        await FactoidRepository(session).refresh_hot_ranks()
