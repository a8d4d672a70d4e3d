"""Payments off the path of any request."""

from uuid import UUID

from jobs.context import WorkerContext


async def tell_of_checkout(ctx: WorkerContext, *, happening: str, checkout_id: str) -> None:
    """Tell PostHog that a payment began, ended or went back. Run twice, it knows the second."""
    await ctx["payments"].analytics.tell(happening, UUID(checkout_id))
