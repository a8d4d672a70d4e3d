"""Run a chat's turn, settle it, give its place in the limits back."""

from uuid import UUID

from domain.chat import admission, settlement
from jobs.context import WorkerContext
from jobs.heartbeat import heartbeat


async def run_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Bring a turn to its end. Run twice, the second finds it done or taken."""
    async with heartbeat(ctx["job"]):
        await ctx["services"].chat.run(UUID(turn_id))


async def settle_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Ask what a turn cost. Run twice, the second finds it booked."""
    services = ctx["services"]
    await settlement.settle(services.database.sessions, services.openrouter, UUID(turn_id))


async def return_chat_allowance(ctx: WorkerContext, *, turn_id: str) -> None:
    """Give a turn's place in the limits back. Run twice, the second finds it done."""
    services = ctx["services"]
    await admission.give_back(services.database.sessions, services.limiter, UUID(turn_id))
