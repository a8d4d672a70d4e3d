"""What PostHog is told of payments: that they happened, and nothing about who paid for what."""

from hashlib import sha256
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Checkout
from db.repositories.payments import CheckoutRepository
from domain.outbox import Job
from domain.spending.channels import NotTold, PostHogChannel
from settings import Settings

CAPTURE_CHECKOUT_EVENT = Job(
    name="capture_checkout_event",
    key="checkout-event",
    parameters=("happening", "checkout_id"),
    timeout_s=45,
)

Happening = Literal["initiated", "failed", "fulfilled", "refunded"]

AGAIN_AFTER_S = (10, 60, 300, 3_600)
OFFERS_AT_MOST = 24

log = structlog.get_logger()


class Analytics:
    """Notes what is to be told, off the path of any request; nothing where PostHog is not set."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], config: Settings) -> None:
        self._sessions = sessions
        self._posthog = (
            PostHogChannel(config.posthog_host, config.posthog_api_key)
            if config.posthog_api_key
            else None
        )

    async def note(self, session: AsyncSession, happening: Happening, checkout: Checkout) -> None:
        """Write down the job that tells it; it is told if and only if this transaction commits."""
        if self._posthog:
            await CAPTURE_CHECKOUT_EVENT.enqueue(session, happening, checkout.id)

    async def tell(self, happening: str, checkout_id: UUID) -> None:
        """Tell PostHog one thing. Told twice, it knows by the event's id."""
        async with self._sessions() as session:
            checkout = await CheckoutRepository(session).get(checkout_id)
            offers = await CAPTURE_CHECKOUT_EVENT.attempts(session, happening, checkout_id)
        wait_s = None
        if checkout and self._posthog:
            try:
                await self._tell(self._posthog, happening, checkout)
            except NotTold as error:
                log.warning("checkout_not_told", happening=happening, error=str(error))
                wait_s = AGAIN_AFTER_S[min(offers, len(AGAIN_AFTER_S)) - 1]
        async with self._sessions.begin() as session:
            if wait_s is None or offers >= OFFERS_AT_MOST:
                await CAPTURE_CHECKOUT_EVENT.done(session, happening, checkout_id)
            else:
                await CAPTURE_CHECKOUT_EVENT.postpone(
                    session, happening, checkout_id, delay_s=wait_s
                )

    async def _tell(self, posthog: PostHogChannel, happening: str, checkout: Checkout) -> None:
        # The names of the original's events, so that its dashboards go on.
        await posthog.capture(
            f"stripe_checkout_{happening}",
            distinct_id=sha256(f"buyer:{checkout.owner_id}".encode()).hexdigest()[:32],
            event_id=uuid5(NAMESPACE_URL, f"checkout:{checkout.id}:{happening}"),
            at=checkout.created_at if happening == "initiated" else checkout.changed_at,
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
