"""What Stripe tells our webhook: proven to be from Stripe before anything of it is believed."""

import hmac
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.errors import Malformed

TOLERANCE_S = 300
"""How far its clock may be from ours, either way; what is older may be a replay."""

SIGNATURES_AT_MOST = 20

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
"""The events that say something of a checkout; Stripe can be asked for 20 kinds at once."""

KEPT = {
    *("id", "object", "status", "payment_status", "mode", "paid", "refunded", "disputed", "reason"),
    *("amount", "amount_captured", "amount_refunded", "amount_subtotal", "amount_total"),
    *("currency", "created", "expires_at"),
    *("charge", "payment_intent", "client_reference_id", "metadata"),
}
"""What is stored of an event's object: nothing about the person who paid."""

_TIME = re.compile(rb"[0-9]{1,12}")


class BadEvent(Malformed):
    code = "bad_event"


@dataclass(frozen=True)
class Event:
    """Something that happened at Stripe."""

    id: str
    type: str
    livemode: bool
    created: datetime
    session_id: str | None
    """Of the Checkout session it is about, if that is said."""
    checkout_id: UUID | None
    """What that session calls itself; not to be believed before Stripe was asked."""
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


def verify(
    body: bytes, header: str | None, secrets: Sequence[str], *, now_s: float | None = None
) -> None:
    """Check that Stripe signed these very bytes within the last five minutes.

    The header is `t=<seconds>,v1=<hex>[,v1=<hex>…]`: HMAC-SHA256 of `<t>.<body>` under the
    endpoint's secret. While a secret is changed there are two of either.
    Source: docs.stripe.com/webhooks#verify-manually

    Raises:
        BadEvent: It is not proven.
        ValueError: There is no secret to prove it by.
    """
    if not secrets or not all(secrets):
        raise ValueError("a webhook needs secrets")
    pairs = [part.partition("=") for part in (header or "").split(",")]
    times = [value.encode() for name, _, value in pairs if name == "t"]
    given = [value.encode() for name, _, value in pairs if name == "v1"][:SIGNATURES_AT_MOST]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not given:
        raise BadEvent("This carries no signature of Stripe's.")
    signed = times[0] + b"." + body
    wanted = [hmac.new(one.encode(), signed, "sha256").hexdigest().encode() for one in secrets]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in given):
        raise BadEvent("The signature is not Stripe's for this body.")
    now_s = time.time() if now_s is None else now_s
    if abs(now_s - int(times[0])) > TOLERANCE_S:
        raise BadEvent("This was signed too long ago, or not yet.")


def read_event(body: bytes | str, *, livemode: bool) -> Event:
    """An event in Stripe's v1 shape.

    Raises:
        BadEvent: It is none, or of the other mode: money that is not real, or is.
    """
    try:
        told = msgspec.json.decode(body, type=_Event)
        created = datetime.fromtimestamp(told.created, UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError):
        raise BadEvent("This is no event of Stripe's v1 API.") from None
    if told.object != "event":
        raise BadEvent("This is no snapshot event. Thin events are not taken here.")
    if told.livemode != livemode:
        raise BadEvent("This is from Stripe's other mode: test, or live.")
    about = told.data.object
    is_session = about.get("object") == "checkout.session"
    kept = {name: value for name, value in about.items() if name in KEPT}
    return Event(
        id=told.id,
        type=told.type,
        livemode=told.livemode,
        created=created,
        session_id=_text(about.get("id")) if is_session else None,
        checkout_id=_id(about.get("client_reference_id")) if is_session else None,
        payment_intent=_text(about.get("payment_intent")),
        kept={"api_version": told.api_version, "object": kept},
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
