"""Buying something, as those who buy see it."""

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
from domain.accounts.service import NobodyAnyMore
from domain.caller import Caller
from domain.errors import Forbidden, Invalid, NotFound
from domain.generation.input import read_topic
from domain.idempotency import Attempt
from domain.limits.rate_limit import RateLimiter
from domain.llm.catalogue import CatalogueService
from domain.payments.products import Product, ProductKey
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe, StripeAway, StripeRefused
from domain.payments.stripe_snapshot import Offer, what_differs

POLICY = "checkout"
LIFE = timedelta(hours=23)
"""How long a session can be paid. Stripe allows 24 hours and knows our key for as long."""

TRIED_FOR = timedelta(hours=22)
"""How long after it was written down a session may be asked for; Stripe wants half an hour."""

SHOWN = 50
LOOK_EVERY_S = 1.0

log = structlog.get_logger()


class CheckoutNotFound(NotFound):
    code = "checkout_not_found"


class NobodysKey(Forbidden):
    code = "nobodys_key"


@dataclass(frozen=True)
class Purchase:
    """What somebody wants to buy and, if they say so, have written as soon as it is paid."""

    product: ProductKey
    topic: str | None = None
    model: str | None = None

    @property
    def wishes(self) -> bool:
        return self.topic is not None or self.model is not None


class Checkouts:
    """Opens its own short transactions: none waits for Stripe."""

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
        """Write down what is bought, then have Stripe open a session for it.

        Asked twice, there is one: the row is written before Stripe is asked, and its id is the
        key under which Stripe answers the same again.

        Raises:
            PaymentsOff: There is no Stripe.
            NobodysKey: The caller's key belongs to no visitor.
            NobodyAnyMore: The caller has signed out.
            Invalid, UnknownModel, NoModels: What is to be written cannot be.
            TooManyCheckouts, LimiterAway: See `RateLimiter.hit`.
            StripeAway: Stripe does not answer, or not as it should.
        """
        stripe = self._payments.stripe
        wanted = await self._checked(caller, purchase, livemode=stripe.livemode)
        wanted.id = attempt.result_id
        checkout = None if attempt.first else await self._get(attempt.result_id)
        if checkout and checkout.status == "failed" and checkout.session_id is None:
            # Stripe would not open it, and whoever was told to try again does.
            wanted.id, checkout = uuid7(), None
        if checkout is None or checkout.owner_id != wanted.owner_id:
            checkout = await self._open_of(wanted) or await self._write_down(caller, wanted)
        if checkout.status == "open" and checkout.url is None:
            return await self._opened(stripe, checkout)
        return checkout

    async def get(
        self, caller: Caller, checkout_id: UUID, *, ask_every_s: float = LOOK_EVERY_S
    ) -> Checkout:
        """One of the caller's own; an unfinished one is first compared with Stripe, so that
        whoever comes back from there need not wait for the webhook.

        Raises:
            CheckoutNotFound: There is none, or it is somebody else's.
        """
        checkout = await self._get(checkout_id)
        if checkout is None or checkout.owner_id != caller.owner:
            raise CheckoutNotFound("There is no such payment of yours.")
        if checkout.status not in UNFINISHED:
            return checkout
        await self._payments.refresh(checkout_id, every_s=ask_every_s)
        # Also where it was not ours to ask: another may have done so since it was read.
        return await self._get(checkout_id) or checkout

    async def newest(self, caller: Caller) -> list[Checkout]:
        """The caller's own, the newest first."""
        if caller.owner is None:
            return []
        async with self._sessions() as session:
            return await CheckoutRepository(session).newest_of(caller.owner, SHOWN)

    async def _checked(self, caller: Caller, purchase: Purchase, *, livemode: bool) -> Checkout:
        if caller.owner is None:
            raise NobodysKey(
                "This API key belongs to no visitor, so nobody would own what it buys."
            )
        product = self.products[purchase.product]
        if purchase.wishes and product.key != "booster_pack":
            raise Invalid("Only new factoids can be wished for.", field="/product")
        topic = read_topic(purchase.topic)
        if purchase.model is not None:
            await self._catalogue.usable(purchase.model)
        wish = (topic or "", purchase.model or "", str(purchase.wishes))
        offer = (product.key, str(product.amount), product.currency, str(livemode), *wish)
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
            generate_on_payment=purchase.wishes,
        )

    async def _open_of(self, wanted: Checkout) -> Checkout | None:
        """The same offer, if it is open and can still be paid."""
        async with self._sessions.begin() as session:
            checkouts = CheckoutRepository(session)
            there = await checkouts.open_of(wanted.owner_id, wanted.offer_hash)
            if there is None:
                return None
            if there.session_id is None and there.created_at < datetime.now(UTC) - TRIED_FOR:
                await checkouts.close_open(there.id, "expired")
                return None
        await self._payments.refresh(there.id, every_s=LOOK_EVERY_S)
        there = await self._get(there.id)
        return there if there and there.status == "open" else None

    async def _write_down(self, caller: Caller, wanted: Checkout) -> Checkout:
        member = str(uuid7())
        await self._limiter.hit(POLICY, caller, member=member)
        async with self._sessions.begin() as session:
            checkouts, accounts = CheckoutRepository(session), AccountRepository(session)
            # Else it could belong to whom another process has just signed out, and so to nobody.
            await accounts.wait_for(wanted.owner_id)
            if await accounts.is_signed_out(wanted.owner_id):
                raise NobodyAnyMore("You have signed out. Load the page again.")
            new = await checkouts.add(wanted)
            there = (
                await checkouts.get(wanted.id)
                if new
                else await checkouts.open_of(wanted.owner_id, wanted.offer_hash)
            )
        if not new:
            # The other of two clicks was a moment earlier.
            await self._limiter.give_back(POLICY, caller.id, caller.network, member)
        if there is None:
            raise StripeAway("That payment has just ended. Please try again.", retry_after_s=1)
        return there

    async def _opened(self, stripe: Stripe, checkout: Checkout) -> Checkout:
        """The checkout with its session; one that Stripe will not open is over.

        Raises: StripeAway: As `start`.
        """
        product = next(one for one in self.products.values() if one.key == checkout.product)
        offer = Offer(
            checkout,
            product.name,
            product.description,
            product.stripe_price,
            checkout.created_at + LIFE,
        )
        try:
            made = await stripe.create_session(offer)
        except StripeRefused as refusal:
            return await self._failed(checkout, str(refusal))
        if differs := what_differs(checkout, made):
            return await self._failed(checkout, f"the session's {differs} is not ours")
        async with self._sessions.begin() as session:
            checkouts = CheckoutRepository(session)
            there = await checkouts.get(checkout.id, locked=True)
            if there and there.session_id is None:
                await checkouts.change(checkout.id, session_id=made.id, url=made.url)
                await self._payments.analytics.note(session, "initiated", checkout)
        return await self._get(checkout.id) or checkout

    async def _failed(self, checkout: Checkout, reason: str) -> Checkout:
        log.error("checkout_not_opened", checkout=str(checkout.id), reason=reason)
        async with self._sessions.begin() as session:
            await CheckoutRepository(session).close_open(checkout.id, "failed")
            await self._payments.analytics.note(session, "failed", checkout)
        raise StripeAway("Stripe did not take this payment, so nothing was paid. Please try again.")

    async def _get(self, checkout_id: UUID) -> Checkout | None:
        async with self._sessions() as session:
            return await CheckoutRepository(session).get(checkout_id)
