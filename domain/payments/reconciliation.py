"""What Stripe knows and we do not: sessions and events whose webhooks were lost, and the sums."""

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
from domain.payments.checkouts import TRIED_FOR
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe, StripeRefused

RECENT = timedelta(hours=25)
"""Longer than any session can be paid."""

LOOKED_BACK = timedelta(days=3)
"""For events: as long as Stripe itself tries to deliver one."""

KEPT_BY_STRIPE = timedelta(days=30)
AT_ONCE = 500

PAID_WITHIN = timedelta(days=130)
"""As long as a payment may be disputed, and some days."""

UNCHECKED_FOR = timedelta(hours=20)

log = structlog.get_logger()


@dataclass(frozen=True)
class Reconciled:
    sessions: int
    """Checkouts that were compared."""
    events: int
    """Events that had not come."""


@dataclass(frozen=True)
class PaymentDifference:
    """A checkout whose entries are not what Stripe's figures say, in the smallest unit."""

    checkout: Checkout
    entries: int
    at_stripe: int


class Reconciliation:
    """Opens its own short transactions. Run twice, the second finds all as it should be."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], payments: PaymentService
    ) -> None:
        self._sessions = sessions
        self._payments = payments

    async def reconcile(self) -> Reconciled:
        """Bring unfinished and recent checkouts to what Stripe says, and apply events that were
        lost on the way. Without Stripe there is nothing to do.

        Raises: StripeAway: It does not answer; what was done by then is done.
        """
        if not self._payments.on:
            return Reconciled(0, 0)
        sessions = await self._sessions_since(self._payments.stripe)
        events = await self._lost_events(self._payments.stripe)
        if events:
            log.warning("events_were_lost", events=events)
        return Reconciled(sessions, events)

    async def differences(self) -> list[PaymentDifference]:
        """The paid checkouts whose entries differ from Stripe's own figures, also after Stripe
        was asked for all that moved. Those that agree are looked at again a day later.

        Raises: StripeAway: It does not answer.
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
                await self._payments.look_again(checkout.id)
                difference = await self._difference(checkout)
            if difference:
                found.append(difference)
                log.error(
                    "payment_differs",
                    checkout=str(checkout.id),
                    entries=difference.entries,
                    at_stripe=difference.at_stripe,
                )
                continue
            async with self._sessions.begin() as session:
                await CheckoutRepository(session).note_checked(checkout.id)
        return found

    async def _difference(self, checkout: Checkout) -> PaymentDifference | None:
        payment, at_stripe = checkout.payment_intent, 0
        if payment:
            # One that Stripe does not know has brought nothing.
            with suppress(StripeRefused):
                at_stripe = await self._payments.stripe.net_amount(payment)
        async with self._sessions() as session:
            sums = await PaymentEntryRepository(session).sums(checkout.id)
        entries = sum(sums.values())
        return PaymentDifference(checkout, entries, at_stripe) if entries != at_stripe else None

    async def _sessions_since(self, stripe: Stripe) -> int:
        """Find the sessions whose making was not answered, then compare what is unfinished."""
        async for one in stripe.sessions_since(datetime.now(UTC) - RECENT):
            if one.checkout_id:
                async with self._sessions.begin() as session:
                    await CheckoutRepository(session).find_session(one.checkout_id, one.id, one.url)
        async with self._sessions() as session:
            unfinished = await CheckoutRepository(session).unfinished(
                livemode=stripe.livemode, limit=AT_ONCE
            )
        for checkout in unfinished:
            await self._compare(checkout)
        return len(unfinished)

    async def _compare(self, checkout: Checkout) -> None:
        if checkout.session_id is not None:
            await self._payments.look_again(checkout.id)
        elif checkout.created_at < datetime.now(UTC) - TRIED_FOR:
            # Stripe has no session for it, and there cannot be one any more.
            async with self._sessions.begin() as session:
                await CheckoutRepository(session).close_open(checkout.id, "expired")

    async def _lost_events(self, stripe: Stripe) -> int:
        async with self._sessions() as session:
            newest = await StripeEventRepository(session).newest()
        oldest = datetime.now(UTC) - KEPT_BY_STRIPE
        since = max(oldest, newest - LOOKED_BACK) if newest else oldest
        # The oldest first, as they would have come.
        events = [event async for event in stripe.events_since(since)][::-1]
        return sum([await self._payments.apply(event) for event in events])
