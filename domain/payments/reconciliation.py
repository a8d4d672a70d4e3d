"""Reconciliation with Stripe: sessions and events whose webhooks were lost, and the amounts."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Checkout
from db.repositories.payments import (
    CheckoutRepository,
    PaymentEntryRepository,
    StripeEventRepository,
)
from domain.payments.checkouts import SESSION_CREATION_TRIED_FOR
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe, StripeRefused

RECENT = timedelta(hours=25)
"""Longer than a session can be paid."""

EVENT_OVERLAP = timedelta(days=3)
"""As long as Stripe retries the delivery of an event."""

KEPT_BY_STRIPE = timedelta(days=30)
BATCH = 500

PAID_WITHIN = timedelta(days=130)
"""A little longer than a payment can be disputed."""

UNCHECKED_FOR = timedelta(hours=20)

log = structlog.get_logger()


@dataclass(frozen=True)
class Reconciled:
    sessions: int
    """Checkouts that were refreshed."""
    events: int
    """Events that had not been delivered."""


@dataclass(frozen=True)
class PaymentDifference:
    """A checkout whose entries differ from Stripe's figures, in the currency's smallest unit."""

    checkout: Checkout
    entries: int
    at_stripe: int


class Reconciliation:
    """Opens its own short transactions. Idempotent."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], payments: PaymentService
    ) -> None:
        self._sessions = sessions
        self._payments = payments

    async def reconcile(self) -> Reconciled:
        """Refresh unfinished and recent checkouts, and apply events that were never delivered.
        Does nothing where payments are switched off.

        Raises: StripeAway: Stripe cannot be reached; what was done before stays done.
        """
        if not self._payments.on:
            return Reconciled(0, 0)
        sessions = await self._sessions_since(self._payments.stripe)
        events = await self._lost_events(self._payments.stripe)
        if events:
            log.warning("stripe_events_recovered", events=events)
        return Reconciled(sessions, events)

    async def differences(self) -> list[PaymentDifference]:
        """The paid checkouts whose entries differ from Stripe's figures even after a refresh.
        Those that agree are checked again a day later.

        Raises: StripeAway: Stripe cannot be reached.
        """
        if not self._payments.on:
            return []
        async with self._sessions() as session:
            checkouts = await CheckoutRepository(session).to_check(
                livemode=self._payments.stripe.livemode,
                paid_within=PAID_WITHIN,
                unchecked_for=UNCHECKED_FOR,
            )
        found: list[PaymentDifference] = []
        for checkout in checkouts:
            difference = await self._difference(checkout)
            if difference:
                await self._payments.refresh(checkout.id)
                difference = await self._difference(checkout)
            if difference:
                found.append(difference)
                log.error(
                    "payment_difference_found",
                    checkout=str(checkout.id),
                    entries=difference.entries,
                    at_stripe=difference.at_stripe,
                )
                continue
            async with self._sessions.begin() as session:
                await CheckoutRepository(session).record_check(checkout.id)
        return found

    async def _difference(self, checkout: Checkout) -> PaymentDifference | None:
        payment, at_stripe = checkout.payment_intent, 0
        if payment:
            # A payment that Stripe does not know has brought nothing.
            with suppress(StripeRefused):
                at_stripe = await self._payments.stripe.net_amount(payment)
        async with self._sessions() as session:
            sums = await PaymentEntryRepository(session).sums(checkout.id)
        entries = sum(sums.values())
        return PaymentDifference(checkout, entries, at_stripe) if entries != at_stripe else None

    async def _sessions_since(self, stripe: Stripe) -> int:
        """Attach sessions whose creation was not confirmed, then refresh what is unfinished."""
        async for found in stripe.sessions_since(datetime.now(UTC) - RECENT):
            if found.checkout_id:
                async with self._sessions.begin() as session:
                    await CheckoutRepository(session).find_session(
                        found.checkout_id, found.id, found.url
                    )
        async with self._sessions() as session:
            unfinished = await CheckoutRepository(session).unfinished(
                livemode=stripe.livemode, limit=BATCH
            )
        for checkout in unfinished:
            await self._refresh(checkout)
        return len(unfinished)

    async def _refresh(self, checkout: Checkout) -> None:
        if checkout.session_id is not None:
            await self._payments.refresh(checkout.id)
        elif checkout.created_at < datetime.now(UTC) - SESSION_CREATION_TRIED_FOR:
            # Stripe has no session for it, and it is too late to create one.
            async with self._sessions.begin() as session:
                await CheckoutRepository(session).close_open(checkout.id, "expired")

    async def _lost_events(self, stripe: Stripe) -> int:
        async with self._sessions() as session:
            newest = await StripeEventRepository(session).newest()
        oldest = datetime.now(UTC) - KEPT_BY_STRIPE
        since = max(oldest, newest - EVENT_OVERLAP) if newest else oldest
        # Oldest first, as they would have been delivered.
        events = [event async for event in stripe.events_since(since)][::-1]
        return sum([await self._payments.apply(event) for event in events])
