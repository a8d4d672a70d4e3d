"""Endpoints to start a checkout and follow its payment."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from api import sse
from api.guards import requires_scope
from api.mappers.payments import checkout_out, product_out
from api.middleware.idempotency import IDEMPOTENT
from api.schemas.payments import CheckoutIn, CheckoutOut, CheckoutsOut, ProductsOut
from domain.caller import Caller
from domain.idempotency import Attempt
from domain.payments.checkouts import Checkouts, Purchase
from domain.payments.service import PaymentService

POLL_EVERY_S = 1.0
POLL_STRIPE_EVERY_S = 5.0
"""How often an open stream queries Stripe, in case the webhook is late."""

READ = requires_scope("read")


CHECKOUT_EXAMPLE = (sse.OPENING + sse.event("checkout", CheckoutOut.example(), "paid-0-1")).decode()


class CheckoutController(Controller):
    path = "/api/payments"
    tags = ("Payments",)

    @get("/products", operation_id="ListProducts", guards=[READ])
    async def products(
        self, checkouts: NamedDependency[Checkouts], payments: NamedDependency[PaymentService]
    ) -> ProductsOut:
        """What can be bought, and what it costs; `payments` says whether it can be."""
        products = [product_out(product) for product in checkouts.products.values()]
        return ProductsOut("on" if payments.on else "off", products)

    @post(
        "/checkout",
        operation_id="StartCheckout",
        guards=[requires_scope("generate")],
        opt={IDEMPOTENT: True, "refusals": [403]},
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

    @get("/checkouts", operation_id="ListCheckouts", guards=[READ])
    async def list(
        self, caller: NamedDependency[Caller], checkouts: NamedDependency[Checkouts]
    ) -> CheckoutsOut:
        """Your own last payments, the newest first."""
        return CheckoutsOut([checkout_out(checkout) for checkout in await checkouts.newest(caller)])

    @get("/checkout/{checkout_id:uuid}", operation_id="GetCheckout", guards=[READ])
    async def show(
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
        guards=[READ],
        media_type=sse.MEDIA_TYPE,
        responses={204: ResponseSpec(None, description="You have seen all of it.")},
        opt={"examples": {sse.MEDIA_TYPE: CHECKOUT_EXAMPLE}},
    )
    async def follow(
        self,
        checkout_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        checkouts: NamedDependency[Checkouts],
        last_event_id: sse.LastEventId = None,
    ) -> Response[Any]:
        """Watch a payment of yours, as server-sent events `checkout` until it is finished.

        It is when it is paid and, where something is to be written, that has begun: its own stream
        goes on from there. Send the last id seen as `Last-Event-ID` to be told what is new.
        """
        out = checkout_out(await checkouts.get(caller, checkout_id))
        if is_finished(out) and last_event_id == _event_id(out):
            return Response(None, status_code=204)
        return sse.stream(_events(checkouts, caller, out, last_event_id))


def is_finished(out: CheckoutOut) -> bool:
    """Whether the stream of the checkout has ended: no change is expected."""
    if out.status in {"open", "processing"}:
        return False
    begins = out.status == "paid" and out.wished and not out.credits_revoked
    return not begins or out.wish_given_up or out.generation_request_id is not None


def _event_id(out: CheckoutOut) -> str:
    """The id of the event with this state, different for each state."""
    begun = out.wish_given_up or out.generation_request_id is not None
    return f"{out.status}-{out.refunded}-{int(begun)}"


async def _events(
    checkouts: Checkouts, caller: Caller, out: CheckoutOut, last_event_id: str | None
) -> AsyncGenerator[bytes | None]:
    while True:
        event_id = _event_id(out)
        yield None if event_id == last_event_id else sse.event("checkout", out, event_id)
        last_event_id = event_id
        if is_finished(out):
            return
        await asyncio.sleep(POLL_EVERY_S)
        checkout = await checkouts.get(caller, out.id, poll_every_s=POLL_STRIPE_EVERY_S)
        out = checkout_out(checkout)
