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
from domain.payments.stripe_snapshot import (
    RETURNED,
    WITHDRAWN,
    Claim,
    Offer,
    PaymentSnapshot,
    Session,
)
from settings import Settings

API_VERSION = "2026-10-28.endive"
"""Pinned, whatever the account's or the package's default is."""

TOLERANCE_S = 300
"""How far the time in a webhook's signature may be from ours, either way."""

RETRIES = 2
TIMEOUT = httpx.Timeout(10, connect=5)
PAGE = 100
TIMESTAMP = re.compile(r"[0-9]{1,12}")

log = structlog.get_logger()


class StripeAway(Unavailable):
    """Whether Stripe carried out the request is unknown; the same request can be repeated."""

    code = "payments_away"


class StripeRefused(Exception):
    """Stripe will never carry out this request."""


class Stripe:
    """The Stripe client of a process."""

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
        """Create the Checkout session of a checkout. A repeat returns the same session.

        Raises:
            StripeAway: It may or may not have been created.
            StripeRefused: It was not, and will not be under this id. This includes Stripe's own
                server errors, which it replays to repeats of an idempotency key for a day.
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
                created = await self._client.checkout.sessions.create_async(
                    params, {"idempotency_key": str(checkout.id)}
                )
        except _ServerError as error:
            raise StripeRefused(str(error)) from error
        return _session(created)

    async def snapshot(self, session_id: str) -> PaymentSnapshot:
        """The current state of a session and its payment.

        Raises:
            StripeAway, StripeRefused: It cannot be read.
        """
        async with _translated():
            session = _session(await self._client.checkout.sessions.retrieve_async(session_id))
            payment = session.payment_intent
            if payment is None or session.status != "complete":
                return PaymentSnapshot(session, payment_failed=False, claims=())
            if not session.is_paid:
                intent = await self._client.payment_intents.retrieve_async(payment)
                failed = intent.status in {"requires_payment_method", "canceled"}
                return PaymentSnapshot(session, payment_failed=failed, claims=())
            return PaymentSnapshot(
                session, payment_failed=False, claims=await self._claims(payment)
            )

    async def _claims(self, payment_intent: str) -> list[Claim]:
        which: Any = {"payment_intent": payment_intent, "limit": PAGE}
        refunds = await self._client.refunds.list_async(which)
        disputes = await self._client.disputes.list_async(which)
        claims = [
            Claim(refund.id, "refund", refund.amount, (refund.status or "pending") in RETURNED)
            async for refund in refunds.auto_paging_iter()
        ]
        return claims + [
            Claim(dispute.id, "dispute", dispute.amount, dispute.status in WITHDRAWN)
            async for dispute in disputes.auto_paging_iter()
        ]

    async def session_of(self, payment_intent: str) -> Session | None:
        """The Checkout session a payment was made in, if any."""
        async with _translated():
            found = await self._client.checkout.sessions.list_async(
                {"payment_intent": payment_intent, "limit": 1}
            )
        return _session(found.data[0]) if found.data else None

    async def sessions_since(self, moment: datetime) -> AsyncGenerator[Session]:
        """The sessions created since then, newest first."""
        async with _translated():
            found = await self._client.checkout.sessions.list_async(
                {"created": {"gte": int(moment.timestamp())}, "limit": PAGE}
            )
            async for session in found.auto_paging_iter():
                yield _session(session)

    async def events_since(self, moment: datetime) -> AsyncGenerator[Event]:
        """The events of the handled types since then, newest first. Stripe keeps them 30 days."""
        async with _translated():
            found = await self._client.events.list_async(
                {
                    "created": {"gte": int(moment.timestamp())},
                    "types": list(HANDLED),
                    "limit": PAGE,
                }
            )
            async for event in found.auto_paging_iter():
                try:
                    yield read_event(str(event), livemode=self.livemode)
                except BadEvent as error:
                    log.error("stripe_event_unreadable", event_id=event.id, error=error.detail)

    async def refund(self, payment_intent: str, amount: int, *, key: str) -> None:
        """Refund an amount of a payment, once for each key.

        Raises:
            StripeAway, StripeRefused: See `create_session`.
        """
        async with _translated():
            await self._client.refunds.create_async(
                {"payment_intent": payment_intent, "amount": amount}, {"idempotency_key": key}
            )

    async def net_amount(self, payment_intent: str) -> int:
        """A payment's captured amount less refunds and disputes, by Stripe's own figures."""
        async with _translated():
            intent = await self._client.payment_intents.retrieve_async(payment_intent)
            if intent.latest_charge is None:
                return 0
            latest = intent.latest_charge
            charge = await self._client.charges.retrieve_async(
                latest if isinstance(latest, str) else latest.id
            )
            claims = await self._claims(payment_intent) if charge.disputed else []
        disputed = sum(claim.amount for claim in claims if claim.kind == "dispute" and claim.taken)
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


class _ServerError(StripeAway):
    """Stripe answered with a server error."""


@asynccontextmanager
async def _translated() -> AsyncGenerator[None]:
    """Translate Stripe's errors into ours. Their messages may quote our input: they are dropped."""
    try:
        yield
    except StripeError as error:
        status, kind = error.http_status, type(error).__name__
        log.warning("stripe_failed", error=kind, status=status, code=error.code)
        if isinstance(error, stripe.APIError) and (status or 0) >= 500:
            raise _ServerError(AWAY) from None
        permanent = isinstance(
            error, (stripe.InvalidRequestError, stripe.CardError, stripe.IdempotencyError)
        )
        if permanent and status != 409:
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
    """The gateway; None where payments are switched off."""
    if config.stripe_secret_key is None:
        return None
    return Stripe(config.stripe_secret_key, site_url=config.site_url, api_url=config.stripe_api_url)
