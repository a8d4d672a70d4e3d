"""A payment's state at Stripe at one moment, in our types; no payment rule reads anything else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from db.models import Checkout

Status = Literal["open", "processing", "paid", "failed", "expired", "refunded", "disputed"]

WITHDRAWN = {
    *("needs_response", "under_review", "lost"),
    *("appeal_needs_response", "appeal_under_review"),
}
"""Statuses of a dispute in which its amount is withdrawn; an inquiry ("warning_…") takes
nothing."""

RETURNED = {"succeeded", "pending", "requires_action"}
"""Statuses of a refund in which its amount is with the buyer, or on its way to them."""

PAID = {"paid", "no_payment_required"}


@dataclass(frozen=True)
class Session:
    """A Checkout session. Amounts are in the currency's smallest unit."""

    id: str
    url: str | None
    status: str
    """open, complete or expired."""
    payment_status: str
    """paid, unpaid or no_payment_required."""
    amount_subtotal: int
    """Before promotion codes."""
    amount_total: int
    currency: str
    livemode: bool
    client_reference_id: str | None
    payment_intent: str | None

    @property
    def checkout_id(self) -> UUID | None:
        """Our reference in the session; proof of nothing by itself."""
        try:
            return UUID(self.client_reference_id or "")
        except ValueError:
            return None

    @property
    def is_paid(self) -> bool:
        return self.status == "complete" and self.payment_status in PAID


@dataclass(frozen=True)
class Claim:
    """A refund or a dispute: an amount that is, or may be, taken from us."""

    id: str
    kind: Literal["refund", "dispute"]
    amount: int
    taken: bool


@dataclass(frozen=True)
class PaymentSnapshot:
    """A checkout's session and its payment, read together."""

    session: Session
    payment_failed: bool
    """A delayed payment method, such as a bank debit, was declined."""
    claims: Sequence[Claim]

    @property
    def paid(self) -> int:
        return self.session.amount_total if self.session.is_paid else 0

    def taken(self, kind: Literal["refund", "dispute"]) -> int:
        return sum(claim.amount for claim in self.claims if claim.kind == kind and claim.taken)

    @property
    def status(self) -> Status:
        if not self.session.is_paid:
            if self.session.status == "complete":
                return "failed" if self.payment_failed else "processing"
            return "expired" if self.session.status == "expired" else "open"
        if self.taken("dispute"):
            return "disputed"
        return "refunded" if self.paid and self.taken("refund") >= self.paid else "paid"

    def revoked(self, credits: int) -> int:
        """How many of this many credits are no longer paid for, rounded in the buyer's favour."""
        returned = min(self.paid, self.taken("refund") + self.taken("dispute"))
        return credits * returned // self.paid if self.paid else 0


def session_mismatch(checkout: Checkout, session: Session) -> str | None:
    """The first field in which a session is not the one made for a checkout; None if none."""
    fields = {
        "client_reference_id": (session.client_reference_id, str(checkout.id)),
        "amount": (session.amount_subtotal, checkout.amount),
        "currency": (session.currency, checkout.currency),
        "livemode": (session.livemode, checkout.livemode),
        "session": (session.id, checkout.session_id or session.id),
    }
    return next((name for name, (theirs, ours) in fields.items() if theirs != ours), None)


@dataclass(frozen=True)
class Offer:
    """What a Checkout session is created from."""

    checkout: Checkout
    name: str
    description: str
    stripe_price: str | None
    expires_at: datetime
