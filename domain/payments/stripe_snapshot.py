"""What Stripe says when it is asked, in our words. Events only say that it is worth asking."""

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
"""The states of a dispute in which its amount was taken from us; an inquiry ("warning_…") takes
nothing."""

RETURNED = {"succeeded", "pending", "requires_action"}
"""The states of a refund in which its amount is the buyer's, or on its way to them."""

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
        """The checkout it says it is for."""
        try:
            return UUID(self.client_reference_id or "")
        except ValueError:
            return None

    @property
    def is_paid(self) -> bool:
        return self.status == "complete" and self.payment_status in PAID


@dataclass(frozen=True)
class Claim:
    """A refund or a dispute: an amount that may leave us."""

    id: str
    kind: Literal["refund", "dispute"]
    amount: int
    taken: bool


@dataclass(frozen=True)
class Truth:
    """How a checkout stands, by a single look."""

    session: Session
    payment_failed: bool
    """A delayed payment came to nothing."""
    claims: Sequence[Claim]

    @property
    def paid(self) -> int:
        return self.session.amount_total if self.session.is_paid else 0

    def taken(self, kind: Literal["refund", "dispute"]) -> int:
        return sum(one.amount for one in self.claims if one.kind == kind and one.taken)

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
        """How many of so many credits are no longer paid for. A part that is not a whole one is
        left to the buyer.
        """
        back = min(self.paid, self.taken("refund") + self.taken("dispute"))
        return credits * back // self.paid if self.paid else 0


def what_differs(checkout: Checkout, session: Session) -> str | None:
    """In what a session is not the one that was made for a checkout; None when it is."""
    said = {
        "client_reference_id": (session.client_reference_id, str(checkout.id)),
        "amount": (session.amount_subtotal, checkout.amount),
        "currency": (session.currency, checkout.currency),
        "livemode": (session.livemode, checkout.livemode),
        "session": (session.id, checkout.session_id or session.id),
    }
    return next((name for name, (theirs, ours) in said.items() if theirs != ours), None)


@dataclass(frozen=True)
class Offer:
    """What Stripe is told of a checkout."""

    checkout: Checkout
    name: str
    description: str
    stripe_price: str | None
    expires_at: datetime
