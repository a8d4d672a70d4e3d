"""Stripe's events: which of them concern us, and what is read and stored of one."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.errors import Malformed

HANDLED = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "charge.refunded",
    "charge.refund.updated",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "refund.created",
    "refund.updated",
    "refund.failed",
)
"""The event types that concern a checkout. Stripe lists up to 20 types at once."""

KEPT = {
    *("id", "object", "status", "payment_status", "mode", "paid", "refunded", "disputed", "reason"),
    *("amount", "amount_captured", "amount_refunded", "amount_subtotal", "amount_total"),
    *("currency", "created", "expires_at"),
    *("charge", "payment_intent", "client_reference_id", "metadata"),
}
"""The fields stored of an event's object: none of them describes the buyer."""


class BadEvent(Malformed):
    code = "bad_event"


@dataclass(frozen=True)
class Event:
    """An event in our types."""

    id: str
    type: str
    livemode: bool
    created: datetime
    session_id: str | None
    """Of the Checkout session it concerns, if it names one."""
    checkout_id: UUID | None
    """Our reference in that session; not trusted before the session was fetched."""
    payment_intent: str | None
    kept: dict[str, Any]

    @property
    def handled(self) -> bool:
        return self.type in HANDLED


class _Data(msgspec.Struct):
    object: dict[str, Any]


class _Event(msgspec.Struct):
    id: str
    object: str
    type: str
    livemode: bool
    created: int
    data: _Data
    api_version: str | None = None


def read_event(body: bytes | str, *, livemode: bool) -> Event:
    """Parse an event in Stripe's v1 format.

    Raises:
        BadEvent: It is malformed, or of the other mode (test instead of live, or vice versa).
    """
    try:
        event = msgspec.json.decode(body, type=_Event)
        created = datetime.fromtimestamp(event.created, UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError):
        raise BadEvent("This is no event of Stripe's v1 API.") from None
    if event.object != "event":
        raise BadEvent("This is no snapshot event. Thin events are not taken here.")
    if event.livemode != livemode:
        raise BadEvent("This is from Stripe's other mode: test, or live.")
    about = event.data.object
    is_session = about.get("object") == "checkout.session"
    kept = {name: value for name, value in about.items() if name in KEPT}
    return Event(
        id=event.id,
        type=event.type,
        livemode=event.livemode,
        created=created,
        session_id=_text(about.get("id")) if is_session else None,
        checkout_id=_id(about.get("client_reference_id")) if is_session else None,
        payment_intent=_text(about.get("payment_intent")),
        kept={"api_version": event.api_version, "object": kept},
    )


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        return _text(value.get("id"))
    return value if isinstance(value, str) and value else None


def _id(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None
