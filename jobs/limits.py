"""What limits counted and noticed, kept for those who look after the site."""

from domain.limits import limit_stats
from jobs.context import WorkerContext


async def keep_limit_counts(ctx: WorkerContext) -> dict[str, int]:
    """Move counts and anomalies from Redis to their tables. Run twice, it does the same."""
    services = ctx["services"]
    counts = await limit_stats.keep_counts(services.redis, services.database.sessions)
    anomalies = await limit_stats.keep_anomalies(services.redis, services.database.sessions)
    return {"counts": counts, "anomalies": anomalies}


async def forget_limit_counts(ctx: WorkerContext) -> None:
    """Delete counts and anomalies that are older than 30 days."""
    await limit_stats.forget(ctx["services"].database.sessions)
