"""Payment events for PostHog. They contain nothing that identifies the buyer."""

from hashlib import sha256
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Checkout
from db.repositories.payments import CheckoutRepository
from domain.jobs import Job
from domain.spending.channels import ChannelFailed, PostHogChannel
from settings import Settings

CAPTURE_CHECKOUT_EVENT = Job(
    name="capture_checkout_event",
    key="checkout-event",
    parameters=("event", "checkout_id"),
    timeout_s=45,
)

PaymentEvent = Literal["initiated", "failed", "fulfilled", "refunded"]

RETRY_AFTER_S = (10, 60, 300, 3_600)
ATTEMPTS_AT_MOST = 24

log = structlog.get_logger()


class Analytics:
    """Sends events from a job, not from requests; sends nothing where PostHog is not configured."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], config: Settings) -> None:
        self._sessions = sessions
        self._posthog = (
            PostHogChannel(config.posthog_host, config.posthog_api_key)
            if config.posthog_api_key
            else None
        )

    async def record(self, session: AsyncSession, event: PaymentEvent, checkout: Checkout) -> None:
        """Schedule the job that sends it, if and only if this transaction commits."""
        if self._posthog:
            await CAPTURE_CHECKOUT_EVENT.enqueue(session, event, checkout.id)

    async def send(self, event: str, checkout_id: UUID) -> None:
        """Send an event. PostHog recognises a repeat by its id."""
        async with self._sessions() as session:
            checkout = await CheckoutRepository(session).get(checkout_id)
            attempts = await CAPTURE_CHECKOUT_EVENT.attempts(session, event, checkout_id)
        wait_s = None
        if checkout and self._posthog:
            try:
                await self._capture(self._posthog, event, checkout)
            except ChannelFailed as error:
                log.warning("analytics_not_sent", payment_event=event, error=str(error))
                wait_s = RETRY_AFTER_S[min(attempts, len(RETRY_AFTER_S)) - 1]
        async with self._sessions.begin() as session:
            if wait_s is None or attempts >= ATTEMPTS_AT_MOST:
                await CAPTURE_CHECKOUT_EVENT.done(session, event, checkout_id)
            else:
                await CAPTURE_CHECKOUT_EVENT.postpone(session, event, checkout_id, delay_s=wait_s)

    async def _capture(self, posthog: PostHogChannel, event: str, checkout: Checkout) -> None:
        # The event names of the first version of the site, so that its dashboards keep working.
        await posthog.capture(
            f"stripe_checkout_{event}",
            distinct_id=sha256(f"buyer:{checkout.owner_id}".encode()).hexdigest()[:32],
            event_id=uuid5(NAMESPACE_URL, f"checkout:{checkout.id}:{event}"),
            at=checkout.created_at if event == "initiated" else checkout.changed_at,
            properties={
                "checkout_id": str(checkout.id),
                "product": checkout.product,
                "amount": checkout.amount,
                "paid": checkout.paid,
                "refunded": checkout.refunded,
                "currency": checkout.currency,
                "wished": checkout.generate_on_payment,
                "livemode": checkout.livemode,
            },
        )
