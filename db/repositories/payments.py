"""Checkouts, Stripe's events and payment entries."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Checkout, PaymentEntry, StripeEvent

UNFINISHED = ("open", "processing")
NEXT_SNAPSHOT_SEQ = text("SELECT nextval('checkout_snapshot_seq')")


class CheckoutRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, checkout: Checkout) -> bool:
        """Insert it unless the owner has the same offer open; returns whether it was inserted."""
        names = (
            *("id", "owner_id", "network", "product", "credits", "amount", "currency"),
            *("livemode", "offer_hash", "topic", "model", "generate_on_payment"),
        )
        added = await self._session.scalar(
            insert(Checkout)
            .values({name: getattr(checkout, name) for name in names})
            .on_conflict_do_nothing()
            .returning(Checkout.id)
        )
        return added is not None

    async def get(self, checkout_id: UUID, *, locked: bool = False) -> Checkout | None:
        """A checkout; `locked` takes its row lock."""
        return await self._session.get(
            Checkout, checkout_id, populate_existing=True, with_for_update=locked or None
        )

    async def open_of(self, owner_id: UUID, offer_hash: str) -> Checkout | None:
        return await self._session.scalar(
            select(Checkout).where(
                Checkout.owner_id == owner_id,
                Checkout.offer_hash == offer_hash,
                Checkout.status == "open",
            )
        )

    async def of_payment_intent(self, payment_intent: str) -> UUID | None:
        return await self._session.scalar(
            select(Checkout.id).where(Checkout.payment_intent == payment_intent)
        )

    async def move(self, owner_id: UUID, to: UUID) -> None:
        """Transfer all checkouts to an owner who has none."""
        await self._session.execute(
            update(Checkout).where(Checkout.owner_id == owner_id).values(owner_id=to)
        )

    async def any_undecided(self, owner_id: UUID) -> bool:
        """Whether the owner has a payment that is unfinished or disputed."""
        found = await self._session.scalar(
            select(Checkout.id)
            .where(Checkout.owner_id == owner_id, Checkout.status.in_((*UNFINISHED, "disputed")))
            .limit(1)
        )
        return found is not None

    async def newest_of(self, owner_id: UUID, limit: int) -> list[Checkout]:
        found = await self._session.scalars(
            select(Checkout)
            .where(Checkout.owner_id == owner_id)
            .order_by(Checkout.created_at.desc(), Checkout.id.desc())
            .limit(limit)
        )
        return list(found)

    async def unfinished(self, *, livemode: bool, limit: int) -> list[Checkout]:
        """Checkouts that may still become paid, the oldest first."""
        found = await self._session.scalars(
            select(Checkout)
            .where(Checkout.status.in_(UNFINISHED), Checkout.livemode == livemode)
            .order_by(Checkout.created_at)
            .limit(limit)
        )
        return list(found)

    async def change(self, checkout_id: UUID, **values: Any) -> None:
        await self._session.execute(
            update(Checkout)
            .where(Checkout.id == checkout_id)
            .values(changed_at=func.now(), **values)
        )

    async def find_session(self, checkout_id: UUID, session_id: str, url: str | None) -> None:
        """Set the session of an open checkout that has none."""
        await self._session.execute(
            update(Checkout)
            .where(
                Checkout.id == checkout_id,
                Checkout.status == "open",
                Checkout.session_id.is_(None),
            )
            .values(session_id=session_id, url=url, changed_at=func.now())
        )

    async def record_check(self, checkout_id: UUID) -> None:
        await self._session.execute(
            update(Checkout).where(Checkout.id == checkout_id).values(checked_at=func.now())
        )

    async def mark_paid(self, checkout_id: UUID) -> None:
        await self.change(checkout_id, paid_at=func.now())

    async def close_open(self, checkout_id: UUID, status: str) -> None:
        """Close a checkout that has no session at Stripe."""
        await self._session.execute(
            update(Checkout)
            .where(
                Checkout.id == checkout_id,
                Checkout.status == "open",
                Checkout.session_id.is_(None),
            )
            .values(status=status, changed_at=func.now())
        )

    async def next_snapshot_seq(self) -> int:
        """The sequence number for a snapshot of Stripe that is about to be taken (ADR 10)."""
        return (await self._session.execute(NEXT_SNAPSHOT_SEQ)).scalar_one()

    async def claim_poll(self, checkout_id: UUID, every_s: float) -> int | None:
        """A sequence number to poll an unfinished checkout; None when the last poll was `every_s`
        seconds ago or less.
        """
        claimed = await self._session.scalar(
            update(Checkout)
            .where(
                Checkout.id == checkout_id,
                Checkout.status.in_(UNFINISHED),
                Checkout.session_id.is_not(None),
                or_(
                    Checkout.polled_at.is_(None),
                    Checkout.polled_at < func.now() - timedelta(seconds=every_s),
                ),
            )
            .values(polled_at=func.now())
            .returning(Checkout.id)
        )
        return await self.next_snapshot_seq() if claimed else None

    async def to_check(
        self, *, livemode: bool, paid_within: timedelta, unchecked_for: timedelta
    ) -> list[Checkout]:
        """Paid checkouts not compared with Stripe for `unchecked_for`, the longest ago first."""
        found = await self._session.scalars(
            select(Checkout)
            .where(
                Checkout.livemode == livemode,
                Checkout.paid_at > func.now() - paid_within,
                or_(
                    Checkout.checked_at.is_(None),
                    Checkout.checked_at < func.now() - unchecked_for,
                ),
            )
            .order_by(Checkout.checked_at.nulls_first())
            .limit(1_000)
        )
        return list(found)


class StripeEventRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def known(self, ids: Sequence[str]) -> set[str]:
        """Those of the ids that are stored, and so applied."""
        found = await self._session.scalars(select(StripeEvent.id).where(StripeEvent.id.in_(ids)))
        return set(found)

    async def add(self, event: StripeEvent) -> bool:
        """Insert it; returns whether it was new."""
        names = ("id", "type", "livemode", "created", "payload", "checkout_id")
        added = await self._session.scalar(
            insert(StripeEvent)
            .values({name: getattr(event, name) for name in names})
            .on_conflict_do_nothing()
            .returning(StripeEvent.id)
        )
        return added is not None

    async def newest(self) -> datetime | None:
        """When the newest event was created, by Stripe's clock."""
        return await self._session.scalar(select(func.max(StripeEvent.created)))


class PaymentEntryRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def sums(self, checkout_id: UUID) -> dict[str, int]:
        """The sum of the amounts by Stripe's id of the session, refund or dispute."""
        rows = await self._session.execute(
            select(PaymentEntry.reference, func.sum(PaymentEntry.amount))
            .where(PaymentEntry.checkout_id == checkout_id)
            .group_by(PaymentEntry.reference)
        )
        return {reference: int(amount) for reference, amount in rows}

    async def add(
        self, checkout_id: UUID, *, kind: str, reference: str, amount: int, currency: str
    ) -> None:
        self._session.add(
            PaymentEntry(
                checkout_id=checkout_id,
                kind=kind,
                reference=reference,
                amount=amount,
                currency=currency,
            )
        )
        await self._session.flush()
