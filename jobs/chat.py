"""Jobs of a chat's turn: answer it, settle its cost, return its place in the rate limit."""

from uuid import UUID

from domain.chat.kind import CHAT_TURNS
from domain.model_runs import allowance, settlement
from jobs.context import WorkerContext
from jobs.functions import runs
from jobs.heartbeat import heartbeat


@runs(CHAT_TURNS.run_job)
async def run_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Bring a turn to its end; a second run finds it done or leased."""
    async with heartbeat(ctx["job"]):
        await ctx["services"].chat.run(UUID(turn_id))


@runs(CHAT_TURNS.settle_job)
async def settle_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Look up what a turn cost; a second run finds it settled."""
    services = ctx["services"]
    await settlement.settle_run(
        services.database.sessions, services.openrouter, CHAT_TURNS, UUID(turn_id)
    )


@runs(CHAT_TURNS.return_job)
async def return_chat_allowance(ctx: WorkerContext, *, turn_id: str) -> None:
    """Return a turn's place in the rate limit; a second run finds it returned."""
    services = ctx["services"]
    await allowance.return_place(
        services.database.sessions, services.limiter, CHAT_TURNS, UUID(turn_id)
    )
