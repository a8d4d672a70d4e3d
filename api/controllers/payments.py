"""Buy something, see how it stands; and the door Stripe knocks at."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from api import sse
from api.controllers.generation import LastEventId
from api.mappers.factoids import checkout_out, product_out
from api.middleware.authentication import SCOPE
from api.middleware.idempotency import IDEMPOTENT
from api.middleware.webhook_bypass import WEBHOOK
from api.problems import INTERNAL, problem, refuse_unexpected
from api.schemas.payments import CheckoutIn, CheckoutOut, CheckoutsOut, ProductsOut
from domain.caller import Caller
from domain.idempotency import Attempt
from domain.payments.checkouts import Checkouts, Purchase
from domain.payments.service import PaymentService

EVENT_BYTES_AT_MOST = 1024 * 1024
"""Stripe's events are far smaller; one that is refused is told again and again."""

LOOK_EVERY_S = 1.0
ASK_STRIPE_EVERY_S = 5.0
"""While somebody watches: the webhook is sooner as a rule."""


class CheckoutController(Controller):
    path = "/api/payments"
    tags = ("Payments",)

    @get("/products", operation_id="ListProducts")
    async def products(
        self, checkouts: NamedDependency[Checkouts], payments: NamedDependency[PaymentService]
    ) -> ProductsOut:
        """What can be bought, and what it costs; `payments` says whether it can be."""
        products = [product_out(one) for one in checkouts.products.values()]
        return ProductsOut("on" if payments.on else "off", products)

    @post(
        "/checkout",
        operation_id="StartCheckout",
        opt={SCOPE: "generate", IDEMPOTENT: True, "refusals": [403]},
    )
    async def start(
        self,
        data: JSONBody[CheckoutIn],
        caller: NamedDependency[Caller],
        checkouts: NamedDependency[Checkouts],
        attempt: NamedDependency[Attempt],
    ) -> CheckoutOut:
        """Begin to buy something; pay at `url`, nothing is charged before.

        Asked again while it is open, this answers with the same payment. Where payments are off it
        is 503 with the code `payments_off`.
        """
        purchase = Purchase(data.product, data.topic, data.model)
        return checkout_out(await checkouts.start(caller, purchase, attempt))

    @get("/checkouts", operation_id="ListCheckouts")
    async def list(
        self, caller: NamedDependency[Caller], checkouts: NamedDependency[Checkouts]
    ) -> CheckoutsOut:
        """Your own last payments, the newest first."""
        return CheckoutsOut([checkout_out(one) for one in await checkouts.newest(caller)])

    @get("/checkout/{checkout_id:uuid}", operation_id="GetCheckout")
    async def one(
        self,
        checkout_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        checkouts: NamedDependency[Checkouts],
    ) -> CheckoutOut:
        """A payment of yours; while it is not finished, Stripe is asked how it stands."""
        return checkout_out(await checkouts.get(caller, checkout_id))

    @get(
        "/checkout/{checkout_id:uuid}/stream",
        operation_id="FollowCheckout",
        media_type=sse.MEDIA_TYPE,
        responses={204: ResponseSpec(None, description="You have seen all of it.")},
    )
    async def follow(
        self,
        checkout_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        checkouts: NamedDependency[Checkouts],
        last_event_id: LastEventId = None,
    ) -> Response[Any]:
        """Watch a payment of yours, as server-sent events `checkout` until it is finished.

        It is when it is paid and, where something is to be written, that has begun: its own stream
        goes on from there. Send the last id seen as `Last-Event-ID` to be told what is new.
        """
        out = checkout_out(await checkouts.get(caller, checkout_id))
        if is_over(out) and last_event_id == _mark(out):
            return Response(None, status_code=204)
        return sse.stream(_events(checkouts, caller, out, last_event_id))


def is_over(out: CheckoutOut) -> bool:
    """Whether no more is told of it."""
    if out.status in {"open", "processing"}:
        return False
    begins = out.status == "paid" and out.wished and not out.credits_revoked
    return not begins or out.wish_given_up or out.generation_request_id is not None


def _mark(out: CheckoutOut) -> str:
    """The id of the event that tells this; another state has another."""
    begun = out.wish_given_up or out.generation_request_id is not None
    return f"{out.status}-{out.refunded}-{int(begun)}"


async def _events(
    checkouts: Checkouts, caller: Caller, out: CheckoutOut, seen: str | None
) -> AsyncGenerator[bytes]:
    yield sse.OPENING
    loop = asyncio.get_running_loop()
    spoke_at = loop.time()
    while True:
        if _mark(out) != seen:
            seen = _mark(out)
            yield sse.event("checkout", out, seen)
            spoke_at = loop.time()
        elif loop.time() - spoke_at >= sse.PING_EVERY_S:
            yield sse.PING
            spoke_at = loop.time()
        if is_over(out):
            return
        await asyncio.sleep(LOOK_EVERY_S)
        out = checkout_out(await checkouts.get(caller, out.id, poll_every_s=ASK_STRIPE_EVERY_S))


def stripe_repeats(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Whatever kept an event from being applied: Stripe says it again after any 500."""
    refusal = refuse_unexpected(request, error)
    return refusal if refusal.status_code == 500 else problem(500, *INTERNAL)


@post(
    WEBHOOK,
    status_code=200,
    include_in_schema=False,
    request_max_body_size=EVENT_BYTES_AT_MOST,
    exception_handlers={Exception: stripe_repeats},
)
async def receive_event(
    request: Request[Any, Any, Any], payments: NamedDependency[PaymentService]
) -> None:
    """What Stripe tells of payments, in its own words and signed over the very bytes."""
    signatures = request.headers.getall("stripe-signature", [])
    signature = signatures[0] if len(signatures) == 1 else None
    await payments.receive(await request.body(), signature)
