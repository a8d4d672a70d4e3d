"""The gateway to Stripe: the only module that imports its package or sees its objects."""

import re
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import stripe
import structlog
from stripe import StripeClient, StripeError

from domain.errors import Unavailable
from domain.payments.events import HANDLED, BadEvent, Event, read_event
from domain.payments.stripe_snapshot import RETURNED, WITHDRAWN, Claim, Offer, Session, Truth
from settings import Settings

API_VERSION = "2026-10-28.endive"
"""What we ask Stripe to speak, whatever the account or the package would choose."""

TOLERANCE_S = 300
"""How far the time in a webhook's signature may be from ours, either way."""

RETRIES = 2
TIMEOUT = httpx.Timeout(10, connect=5)
PAGE = 100
TIMESTAMP = re.compile(r"[0-9]{1,12}")

log = structlog.get_logger()


class StripeAway(Unavailable):
    """Nobody knows what Stripe made of it; the same may be asked again."""

    code = "payments_away"


class StripeRefused(Exception):
    """Stripe will not do this, now or later."""


class Stripe:
    """One connection to Stripe for a process; closed once."""

    def __init__(
        self,
        secret_key: str,
        *,
        site_url: str,
        api_url: str | None = None,
        timeout: httpx.Timeout = TIMEOUT,
    ) -> None:
        self.livemode = secret_key[3:].startswith("live_")
        self._site_url = site_url
        self._http = stripe.HTTPXClient(timeout=timeout)
        self._client = StripeClient(
            secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_url.rstrip("/")} if api_url else None,
            max_network_retries=RETRIES,
            http_client=self._http,
        ).v1

    async def close(self) -> None:
        await self._http.close_async()

    async def create_session(self, offer: Offer) -> Session:
        """A Checkout session for a checkout: asked again, the same one.

        Raises:
            StripeAway: It may or may not be made.
            StripeRefused: It is not, and will not be under this id. An error of Stripe's own
                counts as that, because Stripe answers a repeat with it for a day.
        """
        checkout = offer.checkout
        item: dict[str, Any] = {"quantity": 1}
        if offer.stripe_price:
            item["price"] = offer.stripe_price
        else:
            item["price_data"] = {
                "currency": checkout.currency,
                "unit_amount": checkout.amount,
                "product_data": {"name": offer.name, "description": offer.description},
            }
        ours = {"checkout_id": str(checkout.id), "product": checkout.product}
        page = f"{self._site_url}/checkout/{checkout.id}"
        params: Any = {
            "mode": "payment",
            "line_items": [item],
            "client_reference_id": str(checkout.id),
            "metadata": ours,
            # Refunds and disputes know the payment, not the session.
            "payment_intent_data": {"metadata": ours},
            "allow_promotion_codes": True,
            "success_url": f"{page}?session={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{page}/cancelled",
            "expires_at": int(offer.expires_at.timestamp()),
        }
        try:
            async with _translated():
                made = await self._client.checkout.sessions.create_async(
                    params, {"idempotency_key": str(checkout.id)}
                )
        except _Broken as error:
            raise StripeRefused(str(error)) from error
        return _session(made)

    async def look(self, session_id: str) -> Truth:
        """How a session and its payment stand now.

        Raises:
            StripeAway, StripeRefused: It cannot be told.
        """
        async with _translated():
            session = _session(await self._client.checkout.sessions.retrieve_async(session_id))
            payment = session.payment_intent
            if payment is None or session.status != "complete":
                return Truth(session, payment_failed=False, claims=())
            if not session.is_paid:
                intent = await self._client.payment_intents.retrieve_async(payment)
                failed = intent.status in {"requires_payment_method", "canceled"}
                return Truth(session, payment_failed=failed, claims=())
            return Truth(session, payment_failed=False, claims=await self._claims(payment))

    async def _claims(self, payment_intent: str) -> list[Claim]:
        which: Any = {"payment_intent": payment_intent, "limit": PAGE}
        refunds = await self._client.refunds.list_async(which)
        disputes = await self._client.disputes.list_async(which)
        claims = [
            Claim(one.id, "refund", one.amount, (one.status or "pending") in RETURNED)
            async for one in refunds.auto_paging_iter()
        ]
        return claims + [
            Claim(one.id, "dispute", one.amount, one.status in WITHDRAWN)
            async for one in disputes.auto_paging_iter()
        ]

    async def session_of(self, payment_intent: str) -> Session | None:
        """The session that a payment was made in, if it was made in one."""
        async with _translated():
            found = await self._client.checkout.sessions.list_async(
                {"payment_intent": payment_intent, "limit": 1}
            )
        return _session(found.data[0]) if found.data else None

    async def sessions_since(self, moment: datetime) -> AsyncGenerator[Session]:
        """The sessions made since then, the newest first."""
        async with _translated():
            found = await self._client.checkout.sessions.list_async(
                {"created": {"gte": int(moment.timestamp())}, "limit": PAGE}
            )
            async for one in found.auto_paging_iter():
                yield _session(one)

    async def events_since(self, moment: datetime) -> AsyncGenerator[Event]:
        """The events that are of use and came to be since then, the newest first; Stripe keeps
        them for 30 days.
        """
        async with _translated():
            found = await self._client.events.list_async(
                {
                    "created": {"gte": int(moment.timestamp())},
                    "types": list(HANDLED),
                    "limit": PAGE,
                }
            )
            async for one in found.auto_paging_iter():
                try:
                    yield read_event(str(one), livemode=self.livemode)
                except BadEvent as odd:
                    log.error("odd_stripe_event", event_id=one.id, error=odd.detail)

    async def refund(self, payment_intent: str, amount: int, *, key: str) -> None:
        """Send so much of a payment back; asked again under the same key, once.

        Raises:
            StripeAway, StripeRefused: See `create_session`.
        """
        async with _translated():
            await self._client.refunds.create_async(
                {"payment_intent": payment_intent, "amount": amount}, {"idempotency_key": key}
            )

    async def net_amount(self, payment_intent: str) -> int:
        """What a payment has brought by Stripe's own figures: captured, less what went back."""
        async with _translated():
            intent = await self._client.payment_intents.retrieve_async(payment_intent)
            if intent.latest_charge is None:
                return 0
            latest = intent.latest_charge
            charge = await self._client.charges.retrieve_async(
                latest if isinstance(latest, str) else latest.id
            )
            claims = await self._claims(payment_intent) if charge.disputed else []
        disputed = sum(one.amount for one in claims if one.kind == "dispute" and one.taken)
        return charge.amount_captured - charge.amount_refunded - disputed


def verify_webhook(body: bytes, header: str | None, secrets: Sequence[str]) -> None:
    """Check that Stripe signed exactly these bytes within the last five minutes.

    While a webhook's secret is being changed there are two, and either may have signed. Stripe's
    own check parses the header leniently and accepts times in the future; this one does not.
    Source: docs.stripe.com/webhooks#verify-manually

    Raises:
        BadEvent: It is not proven.
        ValueError: There is no secret to prove it by.
    """
    if not secrets or not all(secrets):
        raise ValueError("a webhook needs secrets")
    times = re.findall(r"(?:^|,)t=([^,]*)", header or "")
    if not header or not header.isascii() or len(times) != 1 or not TIMESTAMP.fullmatch(times[0]):
        raise BadEvent("This carries no signature of Stripe's.")
    if abs(time.time() - int(times[0])) > TOLERANCE_S:
        raise BadEvent("This was signed too long ago, or not yet.")
    if not any(_is_signed(body, header, secret) for secret in secrets):
        raise BadEvent("The signature is not Stripe's for this body.")


def _is_signed(body: bytes, header: str, secret: str) -> bool:
    try:
        return stripe.WebhookSignature.verify_header(body, header, secret)
    except (stripe.SignatureVerificationError, UnicodeDecodeError):
        return False


class _Broken(StripeAway):
    """Stripe answered with an error of its own."""


@asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    """Stripe's errors as ours; their words may quote what we sent and stay in the log."""
    try:
        yield
    except StripeError as error:
        status, kind = error.http_status, type(error).__name__
        log.warning("stripe_failed", error=kind, status=status, code=error.code)
        if isinstance(error, stripe.APIError) and (status or 0) >= 500:
            raise _Broken(AWAY) from None
        lasting = isinstance(
            error, (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError)
        )
        if lasting and status != 409:
            raise StripeRefused(f"{kind} {error.code}") from None
        raise StripeAway(AWAY) from None


AWAY = "Stripe, which takes our payments, does not answer. Please try again in a moment."


def _session(found: "stripe.checkout.Session") -> Session:
    intent = found.payment_intent
    return Session(
        id=found.id,
        url=found.url,
        status=found.status or "open",
        payment_status=found.payment_status,
        amount_subtotal=found.amount_subtotal or 0,
        amount_total=found.amount_total or 0,
        currency=found.currency or "",
        livemode=found.livemode,
        client_reference_id=found.client_reference_id,
        payment_intent=intent if isinstance(intent, str) or intent is None else intent.id,
    )


def open_stripe(config: Settings) -> Stripe | None:
    """The gateway, or None where payments are off."""
    if config.stripe_secret_key is None:
        return None
    return Stripe(config.stripe_secret_key, site_url=config.site_url, api_url=config.stripe_api_url)
