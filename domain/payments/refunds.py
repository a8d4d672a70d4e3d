"""Refunds by the operator of the site."""

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
        """Refund what is left of a payment; its unused credits are revoked.

        Two calls at once refund once: the idempotency key counts earlier refunds, failed ones
        included.

        Raises:
            CheckoutNotFound: There is none.
            NotRefundable: Nothing is left of it, or Stripe refuses, as during a dispute.
            StripeAway: It may or may not be done; the call can be repeated.
        """
        stripe = self._payments.stripe
        snapshot = await self._payments.refresh(checkout_id)
        checkout = await self._get(checkout_id)
        left = checkout.paid - checkout.refunded
        if snapshot is None or checkout.payment_intent is None or left <= 0:
            raise NotRefundable("Nothing is left of this payment to send back.")
        refunds = sum(claim.kind == "refund" for claim in snapshot.claims)
        key = f"refund:{checkout_id}:{refunds}"
        try:
            await stripe.refund(checkout.payment_intent, left, key=key)
        except StripeRefused as refusal:
            raise NotRefundable(f"Stripe refuses to send it back: {refusal}.") from refusal
        await self._payments.refresh(checkout_id)
        log.info("payment_refunded", checkout=str(checkout_id), amount=left)
        return await self._get(checkout_id)

    async def _get(self, checkout_id: UUID) -> Checkout:
        async with self._sessions() as session:
            checkout = await CheckoutRepository(session).get(checkout_id)
        if checkout is None:
            raise CheckoutNotFound("There is no such payment.")
        return checkout
