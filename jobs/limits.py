"""Jobs that store the rate limiter's counts for the operators."""

from domain.limits import limit_stats
from jobs.context import WorkerContext
from jobs.functions import cron


@cron("* * * * *", timeout_s=50)
async def save_limit_counts(ctx: WorkerContext) -> dict[str, int]:
    """Move counts and anomalies from Redis to their tables; a second run changes nothing."""
    services = ctx["services"]
    counts = await limit_stats.save_counts(services.redis, services.database.sessions)
    anomalies = await limit_stats.save_anomalies(services.redis, services.database.sessions)
    return {"counts": counts, "anomalies": anomalies}


@cron("41 4 * * *", timeout_s=300)
async def delete_old_limit_counts(ctx: WorkerContext) -> None:
    """Delete counts and anomalies that are older than 30 days."""
    await limit_stats.delete_old(ctx["services"].database.sessions)
