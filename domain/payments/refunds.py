"""Money back, by whoever runs the site."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Checkout
from db.repositories.payments import CheckoutRepository
from domain.errors import Conflict
from domain.payments.checkouts import CheckoutNotFound
from domain.payments.service import PaymentService
from domain.payments.stripe import StripeRefused

log = structlog.get_logger()


class NotRefundable(Conflict):
    code = "not_refundable"


class Refunds:
    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], payments: PaymentService
    ) -> None:
        self._sessions = sessions
        self._payments = payments

    async def refund(self, checkout_id: UUID) -> Checkout:
        """Send back what is left of a payment; the credits left of it go with it.

        Two at once send it once: the key says how many were tried before, also those that failed.

        Raises:
            CheckoutNotFound: There is none.
            NotRefundable: Nothing is left of it, or Stripe refuses, as during a dispute.
            StripeAway: It may or may not be done; the same may be asked again.
        """
        stripe = self._payments.stripe
        seen = await self._payments.look_again(checkout_id)
        checkout = await self._get(checkout_id)
        left = checkout.paid - checkout.refunded
        if seen is None or checkout.payment_intent is None or left <= 0:
            raise NotRefundable("Nothing is left of this payment to send back.")
        tried = sum(claim.kind == "refund" for claim in seen.claims)
        key = f"refund:{checkout_id}:{tried}"
        try:
            await stripe.refund(checkout.payment_intent, left, key=key)
        except StripeRefused as refusal:
            raise NotRefundable(f"Stripe refuses to send it back: {refusal}.") from refusal
        await self._payments.look_again(checkout_id)
        log.info("refunded", checkout=str(checkout_id), amount=left)
        return await self._get(checkout_id)

    async def _get(self, checkout_id: UUID) -> Checkout:
        async with self._sessions() as session:
            checkout = await CheckoutRepository(session).get(checkout_id)
        if checkout is None:
            raise CheckoutNotFound("There is no such payment.")
        return checkout
