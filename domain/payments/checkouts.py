"""Checkouts from the buyer's side: starting one, and following it until it is paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import Checkout
from db.repositories.accounts import AccountRepository
from db.repositories.payments import UNFINISHED, CheckoutRepository
from domain.accounts.service import AlreadySignedOut
from domain.caller import Caller
from domain.errors import Forbidden, Invalid, NotFound
from domain.generation.input import read_topic
from domain.idempotency import Attempt
from domain.limits.rate_limit import RateLimiter
from domain.llm.catalogue import CatalogueService
from domain.payments.products import Product, ProductKey
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe, StripeAway, StripeRefused
from domain.payments.stripe_snapshot import Offer, session_mismatch

POLICY = "checkout"
SESSION_LIFETIME = timedelta(hours=23)
"""Stripe allows 24 hours, and remembers idempotency keys for as long."""

SESSION_CREATION_TRIED_FOR = timedelta(hours=22)
"""How long after a checkout its session can be created: Stripe wants it to live half an hour."""

NEWEST_AT_MOST = 50
POLL_EVERY_S = 1.0

log = structlog.get_logger()


class CheckoutNotFound(NotFound):
    code = "checkout_not_found"


class KeyWithoutOwner(Forbidden):
    code = "nobodys_key"


@dataclass(frozen=True)
class Purchase:
    """A product to buy and, optionally, a generation to start as soon as it is paid."""

    product: ProductKey
    topic: str | None = None
    model: str | None = None

    @property
    def generate_on_payment(self) -> bool:
        return self.topic is not None or self.model is not None


class Checkouts:
    """Opens its own short transactions, and none while it waits for Stripe."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        payments: PaymentService,
        products: Mapping[ProductKey, Product],
        limiter: RateLimiter,
        catalogue: CatalogueService,
    ) -> None:
        self._sessions = sessions
        self._payments = payments
        self._limiter = limiter
        self._catalogue = catalogue
        self.products = products

    async def start(self, caller: Caller, purchase: Purchase, attempt: Attempt) -> Checkout:
        """Store a checkout, then create its session at Stripe.

        A repeat creates nothing new: the row is written first, and its id is the idempotency key
        at Stripe.

        Raises:
            PaymentsOff: Payments are switched off.
            KeyWithoutOwner: The caller's key belongs to no visitor.
            AlreadySignedOut: The caller has signed out.
            Invalid, UnknownModel, NoModels: The generation to start is impossible.
            TooManyCheckouts, LimiterAway: See `RateLimiter.hit`.
            StripeAway: Stripe cannot be reached, or its session is not as requested.
        """
        stripe = self._payments.stripe
        wanted = await self._checked(caller, purchase, livemode=stripe.livemode)
        wanted.id = attempt.result_id
        checkout = None if attempt.first else await self._get(attempt.result_id)
        if checkout and checkout.status == "failed" and checkout.session_id is None:
            # Stripe refused this session and the buyer tries again, as the error told them to.
            wanted.id, checkout = uuid7(), None
        if checkout is None or checkout.owner_id != wanted.owner_id:
            checkout = await self._reusable(wanted) or await self._store(caller, wanted)
        if checkout.status == "open" and checkout.url is None:
            return await self._create_session(stripe, checkout)
        return checkout

    async def get(
        self, caller: Caller, checkout_id: UUID, *, poll_every_s: float = POLL_EVERY_S
    ) -> Checkout:
        """A checkout of the caller's. An unfinished one is brought up to date first, so that
        buyers who return from Stripe need not wait for the webhook.

        Raises:
            CheckoutNotFound: There is none, or it belongs to another owner.
        """
        checkout = await self._get(checkout_id)
        if checkout is None or checkout.owner_id != caller.owner:
            raise CheckoutNotFound("There is no such payment of yours.")
        if checkout.status not in UNFINISHED:
            return checkout
        await self._payments.poll(checkout_id, every_s=poll_every_s)
        # Read again even if this call did not poll: another may have done so meanwhile.
        return await self._get(checkout_id) or checkout

    async def newest(self, caller: Caller) -> list[Checkout]:
        """The caller's checkouts, newest first."""
        if caller.owner is None:
            return []
        async with self._sessions() as session:
            return await CheckoutRepository(session).newest_of(caller.owner, NEWEST_AT_MOST)

    async def _checked(self, caller: Caller, purchase: Purchase, *, livemode: bool) -> Checkout:
        if caller.owner is None:
            raise KeyWithoutOwner(
                "This API key belongs to no visitor, so nobody would own what it buys."
            )
        product = self.products[purchase.product]
        if purchase.generate_on_payment and product.key != "booster_pack":
            raise Invalid("Only new factoids can be wished for.", field="/product")
        topic = read_topic(purchase.topic)
        if purchase.model is not None:
            await self._catalogue.usable(purchase.model)
        generation = (topic or "", purchase.model or "", str(purchase.generate_on_payment))
        offer = (product.key, str(product.amount), product.currency, str(livemode), *generation)
        return Checkout(
            owner_id=caller.owner,
            network=caller.network,
            product=product.key,
            credits=product.credits,
            amount=product.amount,
            currency=product.currency,
            livemode=livemode,
            offer_hash=sha256("\0".join(offer).encode()).hexdigest(),
            topic=topic,
            model=purchase.model,
            generate_on_payment=purchase.generate_on_payment,
        )

    async def _reusable(self, wanted: Checkout) -> Checkout | None:
        """An open checkout of the same offer that can still be paid, if there is one."""
        async with self._sessions.begin() as session:
            checkouts = CheckoutRepository(session)
            found = await checkouts.open_of(wanted.owner_id, wanted.offer_hash)
            if found is None:
                return None
            if (
                found.session_id is None
                and found.created_at < datetime.now(UTC) - SESSION_CREATION_TRIED_FOR
            ):
                await checkouts.close_open(found.id, "expired")
                return None
        await self._payments.poll(found.id, every_s=POLL_EVERY_S)
        found = await self._get(found.id)
        return found if found and found.status == "open" else None

    async def _store(self, caller: Caller, wanted: Checkout) -> Checkout:
        member = str(uuid7())
        await self._limiter.hit(POLICY, caller, member=member)
        async with self._sessions.begin() as session:
            checkouts, accounts = CheckoutRepository(session), AccountRepository(session)
            # Locked, so that the owner cannot sign out meanwhile and leave it without an owner.
            await accounts.lock_creation(wanted.owner_id)
            if await accounts.is_signed_out(wanted.owner_id):
                raise AlreadySignedOut("You have signed out. Load the page again.")
            new = await checkouts.add(wanted)
            found = (
                await checkouts.get(wanted.id)
                if new
                else await checkouts.open_of(wanted.owner_id, wanted.offer_hash)
            )
        if not new:
            # A simultaneous call stored the same offer first.
            await self._limiter.give_back(POLICY, caller.id, caller.network, member)
        if found is None:
            raise StripeAway("That payment has just ended. Please try again.", retry_after_s=1)
        return found

    async def _create_session(self, stripe: Stripe, checkout: Checkout) -> Checkout:
        """The checkout with its session; it fails when Stripe refuses the session.

        Raises: StripeAway: As `start`.
        """
        product = next(item for item in self.products.values() if item.key == checkout.product)
        offer = Offer(
            checkout,
            product.name,
            product.description,
            product.stripe_price,
            checkout.created_at + SESSION_LIFETIME,
        )
        try:
            created = await stripe.create_session(offer)
        except StripeRefused as refusal:
            return await self._fail(checkout, str(refusal))
        if mismatch := session_mismatch(checkout, created):
            return await self._fail(checkout, f"the session's {mismatch} is not ours")
        async with self._sessions.begin() as session:
            checkouts = CheckoutRepository(session)
            stored = await checkouts.get(checkout.id, locked=True)
            if stored and stored.session_id is None:
                await checkouts.change(checkout.id, session_id=created.id, url=created.url)
                await self._payments.analytics.record(session, "initiated", checkout)
        return await self._get(checkout.id) or checkout

    async def _fail(self, checkout: Checkout, reason: str) -> Checkout:
        log.error("checkout_failed", checkout=str(checkout.id), reason=reason)
        async with self._sessions.begin() as session:
            await CheckoutRepository(session).close_open(checkout.id, "failed")
            await self._payments.analytics.record(session, "failed", checkout)
        raise StripeAway("Stripe did not take this payment, so nothing was paid. Please try again.")

    async def _get(self, checkout_id: UUID) -> Checkout | None:
        async with self._sessions() as session:
            return await CheckoutRepository(session).get(checkout_id)
