"""Endpoint for Stripe's webhook."""

from typing import Any

from litestar import Controller, Request, Response, post
from litestar.di import NamedDependency

from api.guards import signed_by_the_sender
from api.middleware.stack import WEBHOOK
from api.problems import INTERNAL, problem, refuse_unexpected
from domain.payments.service import PaymentService

MAX_EVENT_BYTES = 1024 * 1024
"""Stripe's events are far smaller. The limit is generous, since Stripe retries refused ones."""


def refuse_with_500(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Respond with 500 to every unexpected error, so that Stripe retries the event."""
    refusal = refuse_unexpected(request, error)
    return refusal if refusal.status_code == 500 else problem(500, *INTERNAL)


class WebhookController(Controller):
    path = WEBHOOK
    guards = (signed_by_the_sender,)
    include_in_schema = False

    @post(
        status_code=200,
        request_max_body_size=MAX_EVENT_BYTES,
        exception_handlers={Exception: refuse_with_500},
    )
    async def receive(
        self, request: Request[Any, Any, Any], payments: NamedDependency[PaymentService]
    ) -> None:
        """Receive an event, as the bytes that Stripe has signed."""
        signatures = request.headers.getall("stripe-signature", [])
        signature = signatures[0] if len(signatures) == 1 else None
        await payments.receive(await request.body(), signature)
