"""Run a chat's turn, settle it, give its place in the limits back."""

from uuid import UUID

from domain.chat.kind import CHAT_TURNS
from domain.model_runs import allowance, settlement
from jobs.context import WorkerContext
from jobs.heartbeat import heartbeat


async def run_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Bring a turn to its end. Run twice, the second finds it done or taken."""
    async with heartbeat(ctx["job"]):
        await ctx["services"].chat.run(UUID(turn_id))


async def settle_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Look up what a turn cost. Run twice, the second finds it recorded."""
    services = ctx["services"]
    await settlement.settle_run(
        services.database.sessions, services.openrouter, CHAT_TURNS, UUID(turn_id)
    )


async def return_chat_allowance(ctx: WorkerContext, *, turn_id: str) -> None:
    """Return a turn's place in the limit. Run twice, the second finds it returned."""
    services = ctx["services"]
    await allowance.return_place(
        services.database.sessions, services.limiter, CHAT_TURNS, UUID(turn_id)
    )
