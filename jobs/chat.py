"""Run a chat's turn, settle it, give its place in the limits back."""

from uuid import UUID

from domain.chat import admission, settlement
from jobs.context import WorkerContext
from jobs.heartbeat import heartbeat


async def run_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Bring a turn to its end. Run twice, the second finds it done or taken."""
    async with heartbeat(ctx["job"]):
        await ctx["chat"].run(UUID(turn_id))


async def settle_chat_turn(ctx: WorkerContext, *, turn_id: str) -> None:
    """Ask what a turn cost. Run twice, the second finds it booked."""
    await settlement.settle(ctx["database"].sessions, ctx["openrouter"], UUID(turn_id))


async def return_chat_allowance(ctx: WorkerContext, *, turn_id: str) -> None:
    """Give a turn's place in the limits back. Run twice, the second finds it done."""
    await admission.give_back(ctx["database"].sessions, ctx["limiter"], UUID(turn_id))
