"""Applying the state of a payment at Stripe: called by webhook, return page and reconciliation.

An event only causes the session and its payment to be fetched. Everything stored follows from that
snapshot, so the order in which events arrive does not matter (ADR 10).
"""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Checkout, StripeEvent
from db.repositories.credits import CreditRepository
from db.repositories.payments import (
    CheckoutRepository,
    PaymentEntryRepository,
    StripeEventRepository,
)
from domain.errors import Unavailable
from domain.payments.analytics import Analytics
from domain.payments.events import Event, read_event
from domain.payments.post_purchase import PostPurchaseGeneration
from domain.payments.stripe import Stripe, StripeAway, StripeRefused, verify_webhook
from domain.payments.stripe_snapshot import PaymentSnapshot, session_mismatch

KINDS = {
    ("session", True): "charged",
    ("session", False): "uncharged",
    ("refund", True): "refund_failed",
    ("refund", False): "refunded",
    ("dispute", True): "reinstated",
    ("dispute", False): "disputed",
}
"""The kind of an entry, by what moved and whether the money came to us."""

OFF = "Payments are switched off here. Everything that is free goes on as ever."

log = structlog.get_logger()


class PaymentsOff(Unavailable):
    code = "payments_off"


class PaymentService:
    """Opens its own transactions, and none while it waits for Stripe."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        stripe: Stripe | None,
        analytics: Analytics,
        post_purchase: PostPurchaseGeneration,
        webhook_secrets: Sequence[str] = (),
    ) -> None:
        self._sessions = sessions
        self._stripe = stripe
        self._secrets = webhook_secrets
        self._post_purchase = post_purchase
        self.analytics = analytics

    @property
    def on(self) -> bool:
        return self._stripe is not None

    @property
    def stripe(self) -> Stripe:
        """Raises: PaymentsOff: There is none."""
        if self._stripe is None:
            raise PaymentsOff(OFF, retry_after_s=3_600)
        return self._stripe

    async def receive(self, body: bytes, signature: str | None) -> None:
        """Verify and apply the body of a webhook request.

        Raises:
            PaymentsOff: Payments are switched off.
            BadEvent: The signature or the event is invalid. Nothing is stored.
            StripeAway: The snapshot cannot be fetched. Stripe will deliver the event again.
        """
        livemode = self.stripe.livemode
        verify_webhook(body, signature, self._secrets)
        await self.apply(read_event(body, livemode=livemode))

    async def apply(self, event: Event) -> bool:
        """Apply an event and store it, in one transaction.

        Returns:
            Whether it was new; also for event types that are not handled.
        """
        async with self._sessions() as session:
            if await StripeEventRepository(session).known([event.id]):
                return False
        checkout = await self._checkout_of(event) if event.handled else None
        taken = await self._snapshot(checkout, event.session_id) if checkout else None
        async with self._sessions.begin() as session:
            row = StripeEvent(
                id=event.id,
                type=event.type,
                livemode=event.livemode,
                created=event.created,
                payload=event.kept,
                checkout_id=checkout.id if checkout else None,
            )
            new = await StripeEventRepository(session).add(row)
            if new and checkout and taken:
                await self._settle(session, checkout.id, *taken)
        log.info("stripe_event_applied", type=event.type, event_id=event.id, new=new)
        return new

    async def poll(self, checkout_id: UUID, *, every_s: float) -> None:
        """Bring an unfinished checkout up to date, at most once every `every_s` seconds.

        Failures are only logged: a webhook or the next poll makes up for them.
        """
        if self._stripe is None:
            return
        async with self._sessions.begin() as session:
            checkouts = CheckoutRepository(session)
            sequence = await checkouts.claim_poll(checkout_id, every_s)
            checkout = await checkouts.get(checkout_id) if sequence else None
        if sequence is None or checkout is None or checkout.session_id is None:
            return
        try:
            snapshot = await self._stripe.snapshot(checkout.session_id)
        except (StripeAway, StripeRefused) as error:
            log.warning("payment_poll_failed", checkout=str(checkout_id), error=str(error))
            return
        async with self._sessions.begin() as session:
            await self._settle(session, checkout_id, sequence, snapshot)

    async def refresh(self, checkout_id: UUID) -> PaymentSnapshot | None:
        """Bring a checkout up to date with Stripe, finished or not.

        Returns:
            The snapshot; None when the checkout has no session that Stripe knows.

        Raises: StripeAway: Stripe cannot be reached.
        """
        async with self._sessions() as session:
            checkout = await CheckoutRepository(session).get(checkout_id)
        taken = await self._snapshot(checkout, None) if checkout else None
        if taken is None:
            return None
        async with self._sessions.begin() as session:
            await self._settle(session, checkout_id, *taken)
        return taken[1]

    async def _checkout_of(self, event: Event) -> Checkout | None:
        """The checkout an event concerns; None when it is none of ours."""
        checkout_id = event.checkout_id
        if event.session_id is None and event.payment_intent is not None:
            async with self._sessions() as session:
                checkout_id = await CheckoutRepository(session).of_payment_intent(
                    event.payment_intent
                )
            if checkout_id is None:
                found = await self.stripe.session_of(event.payment_intent)
                checkout_id = found.checkout_id if found else None
        if checkout_id is None:
            return None
        async with self._sessions() as session:
            return await CheckoutRepository(session).get(checkout_id)

    async def _snapshot(
        self, checkout: Checkout, session_id: str | None
    ) -> tuple[int, PaymentSnapshot] | None:
        """A snapshot with its sequence number.

        The number is taken before the snapshot: one with a lower number than the last applied is
        stale and is dropped.

        Raises: StripeAway: Stripe cannot be reached.
        """
        session_id = checkout.session_id or session_id
        if session_id is None:
            return None
        async with self._sessions.begin() as session:
            sequence = await CheckoutRepository(session).next_snapshot_seq()
        try:
            return sequence, await self.stripe.snapshot(session_id)
        except StripeRefused as refusal:
            log.error("stripe_session_unknown", checkout=str(checkout.id), error=str(refusal))
            return None

    async def _settle(
        self, session: AsyncSession, checkout_id: UUID, sequence: int, snapshot: PaymentSnapshot
    ) -> None:
        """Update a checkout, its credits and its entries from a snapshot, unless it is stale."""
        checkouts = CheckoutRepository(session)
        checkout = await checkouts.get(checkout_id, locked=True)
        if checkout is None or sequence <= checkout.snapshot_seq:
            return
        if mismatch := session_mismatch(checkout, snapshot.session):
            log.error("stripe_session_mismatch", checkout=str(checkout_id), field=mismatch)
            return
        before, refunded = checkout.status, checkout.refunded
        await self._book(session, checkout, snapshot)
        await checkouts.change(
            checkout_id,
            snapshot_seq=sequence,
            status=snapshot.status,
            session_id=snapshot.session.id,
            payment_intent=snapshot.session.payment_intent,
            paid=snapshot.paid,
            refunded=snapshot.taken("refund"),
            disputed=snapshot.taken("dispute"),
        )
        checkout = await checkouts.get(checkout_id) or checkout
        if checkout.refunded > refunded:
            await self.analytics.record(session, "refunded", checkout)
        if snapshot.session.is_paid:
            await self._fulfil(session, checkout, snapshot)
        elif before != snapshot.status and snapshot.status in {"failed", "expired"}:
            await self.analytics.record(session, "failed", checkout)

    async def _fulfil(
        self, session: AsyncSession, checkout: Checkout, snapshot: PaymentSnapshot
    ) -> None:
        """Grant what was paid for, once, and revoke what no longer is."""
        checkouts, revoked = CheckoutRepository(session), snapshot.revoked(checkout.credits)
        new = checkout.paid_at is None
        if new:
            await CreditRepository(session).grant(
                checkout.owner_id, checkout.product, checkout.credits, checkout.id
            )
            await checkouts.mark_paid(checkout.id)
            await self.analytics.record(session, "fulfilled", checkout)
        if revoked != checkout.revoked:
            await CreditRepository(session).owe(checkout.id, revoked)
            await checkouts.change(checkout.id, revoked=revoked)
        if new and checkout.generate_on_payment:
            step = self._post_purchase.abandon if revoked else self._post_purchase.start
            await step(session, checkout)

    async def _book(
        self, session: AsyncSession, checkout: Checkout, snapshot: PaymentSnapshot
    ) -> None:
        """Add entries for what moved since the last snapshot, so that their sum is what we have."""
        entries = PaymentEntryRepository(session)
        sums = await entries.sums(checkout.id)
        wanted = [("session", snapshot.session.id, snapshot.paid)]
        wanted += [
            (claim.kind, claim.id, -claim.amount if claim.taken else 0) for claim in snapshot.claims
        ]
        for what, reference, amount in wanted:
            moved = amount - sums.get(reference, 0)
            if moved:
                await entries.add(
                    checkout.id,
                    kind=KINDS[what, moved > 0],
                    reference=reference,
                    amount=moved,
                    currency=checkout.currency,
                )
