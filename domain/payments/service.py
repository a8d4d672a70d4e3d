"""What Stripe says, applied once: what webhook, return page and reconciliation all call.

An event only says that it is worth asking. What is written down follows from what Stripe answers
when it is asked for the session and its payment, so any order of events leads to the same end.
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
from domain.payments.post_purchase import Wishes
from domain.payments.stripe import Stripe, StripeAway, StripeRefused, verify_webhook
from domain.payments.stripe_snapshot import Truth, what_differs

KINDS = {
    ("session", True): "charged",
    ("session", False): "uncharged",
    ("refund", True): "refund_failed",
    ("refund", False): "refunded",
    ("dispute", True): "reinstated",
    ("dispute", False): "disputed",
}
"""What a movement is called: for what, and whether the money comes to us."""

OFF = "Payments are switched off here. Everything that is free goes on as ever."

log = structlog.get_logger()


class PaymentsOff(Unavailable):
    code = "payments_off"


class PaymentService:
    """Opens its own transactions: none is open while Stripe is asked."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        stripe: Stripe | None,
        analytics: Analytics,
        wishes: Wishes,
        webhook_secrets: Sequence[str] = (),
    ) -> None:
        self._sessions = sessions
        self._stripe = stripe
        self._secrets = webhook_secrets
        self._wishes = wishes
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
        """What came to the webhook: checked first, then applied.

        Raises:
            PaymentsOff: There is no Stripe.
            BadEvent: It is not Stripe's word to us. Nothing is kept of it.
            StripeAway: Stripe says it but does not answer when asked; it will say it again.
        """
        livemode = self.stripe.livemode
        verify_webhook(body, signature, self._secrets)
        await self.apply(read_event(body, livemode=livemode))

    async def apply(self, event: Event) -> bool:
        """Let an event have its effect, in one transaction with being written down.

        Returns:
            Whether it was new. One that is of no use is new once, too.
        """
        async with self._sessions() as session:
            if await StripeEventRepository(session).known([event.id]):
                return False
        checkout = await self._meant(event) if event.handled else None
        looked = await self._look(checkout, event.session_id) if checkout else None
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
            if new and checkout and looked:
                await self._settle(session, checkout.id, *looked)
        log.info("stripe_event", type=event.type, event_id=event.id, new=new)
        return new

    async def refresh(self, checkout_id: UUID, *, every_s: float) -> None:
        """Compare an unfinished checkout with Stripe, at most once in so many seconds.

        Stripe being away is no harm: it will tell, or be asked again.
        """
        if self._stripe is None:
            return
        async with self._sessions.begin() as session:
            checkouts = CheckoutRepository(session)
            look = await checkouts.claim_poll(checkout_id, every_s)
            checkout = await checkouts.get(checkout_id) if look else None
        if look is None or checkout is None or checkout.session_id is None:
            return
        try:
            truth = await self._stripe.look(checkout.session_id)
        except (StripeAway, StripeRefused) as error:
            log.warning("not_compared", checkout=str(checkout_id), error=str(error))
            return
        async with self._sessions.begin() as session:
            await self._settle(session, checkout_id, look, truth)

    async def look_again(self, checkout_id: UUID) -> Truth | None:
        """Compare a checkout with Stripe, finished or not.

        Returns:
            What Stripe says; None where it cannot be asked.

        Raises: StripeAway: It does not answer.
        """
        async with self._sessions() as session:
            checkout = await CheckoutRepository(session).get(checkout_id)
        looked = await self._look(checkout, None) if checkout else None
        if looked is None:
            return None
        async with self._sessions.begin() as session:
            await self._settle(session, checkout_id, *looked)
        return looked[1]

    async def _meant(self, event: Event) -> Checkout | None:
        """The checkout an event is about, as far as can be told; None when it is none of ours."""
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

    async def _look(self, checkout: Checkout, session_id: str | None) -> tuple[int, Truth] | None:
        """Ask Stripe how a checkout stands. The number is taken before: whoever has a greater
        one has seen all that made this look worth while.

        Raises: StripeAway: It does not answer.
        """
        session_id = checkout.session_id or session_id
        if session_id is None:
            return None
        async with self._sessions.begin() as session:
            look = await CheckoutRepository(session).next_snapshot_seq()
        try:
            return look, await self.stripe.look(session_id)
        except StripeRefused as refusal:
            log.error("session_not_known", checkout=str(checkout.id), error=str(refusal))
            return None

    async def _settle(
        self, session: AsyncSession, checkout_id: UUID, look: int, truth: Truth
    ) -> None:
        """Bring a checkout, its credits and its entries to what Stripe says."""
        checkouts = CheckoutRepository(session)
        checkout = await checkouts.get(checkout_id, locked=True)
        if checkout is None or look <= checkout.snapshot_seq:
            return
        if differs := what_differs(checkout, truth.session):
            log.error("session_is_not_ours", checkout=str(checkout_id), differs=differs)
            return
        before, refunded = checkout.status, checkout.refunded
        await self._book(session, checkout, truth)
        await checkouts.change(
            checkout_id,
            snapshot_seq=look,
            status=truth.status,
            session_id=truth.session.id,
            payment_intent=truth.session.payment_intent,
            paid=truth.paid,
            refunded=truth.taken("refund"),
            disputed=truth.taken("dispute"),
        )
        checkout = await checkouts.get(checkout_id) or checkout
        if checkout.refunded > refunded:
            await self.analytics.note(session, "refunded", checkout)
        if truth.session.is_paid:
            await self._fulfil(session, checkout, truth)
        elif before != truth.status and truth.status in {"failed", "expired"}:
            await self.analytics.note(session, "failed", checkout)

    async def _fulfil(self, session: AsyncSession, checkout: Checkout, truth: Truth) -> None:
        """Grant what was paid for, once, and take back what no longer is."""
        checkouts, revoked = CheckoutRepository(session), truth.revoked(checkout.credits)
        new = checkout.paid_at is None
        if new:
            await CreditRepository(session).grant(
                checkout.owner_id, checkout.product, checkout.credits, checkout.id
            )
            await checkouts.note_paid(checkout.id)
            await self.analytics.note(session, "fulfilled", checkout)
        if revoked != checkout.revoked:
            await CreditRepository(session).owe(checkout.id, revoked)
            await checkouts.change(checkout.id, revoked=revoked)
        if new and checkout.generate_on_payment:
            step = self._wishes.give_up if revoked else self._wishes.begin
            await step(session, checkout)

    async def _book(self, session: AsyncSession, checkout: Checkout, truth: Truth) -> None:
        """Write down what moved since the last look, so that the entries' sum is what we have."""
        entries = PaymentEntryRepository(session)
        sums = await entries.sums(checkout.id)
        wanted = [("session", truth.session.id, truth.paid)]
        wanted += [(one.kind, one.id, -one.amount if one.taken else 0) for one in truth.claims]
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
