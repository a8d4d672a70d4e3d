"""The real stripe package as a client of the stand-in."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import stripe


def session_parameters(
    amount: int = 500,
    currency: str = "usd",
    name: str = "Factoid Booster Pack",
    **fields: Any,
) -> dict[str, Any]:
    """The parameters of a session for one thing."""
    price = {
        "currency": currency,
        "unit_amount": amount,
        "product_data": {"name": name},
    }
    return {
        "mode": "payment",
        "line_items": [{"price_data": price, "quantity": 1}],
        "success_url": "http://factoids.test/checkout/1?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://factoids.test/checkout/1/cancelled",
    } | fields


@asynccontextmanager
async def client_for(address: str, key: str) -> AsyncGenerator[stripe.StripeClient]:
    """The package's client for an address."""
    http = stripe.HTTPXClient(allow_sync_methods=False)
    try:
        yield stripe.StripeClient(key, base_addresses={"api": address}, http_client=http)
    finally:
        await http.close_async()


async def create_session(client: stripe.StripeClient, **fields: Any) -> stripe.checkout.Session:
    return await client.v1.checkout.sessions.create_async(session_parameters(**fields))  # pyright: ignore[reportArgumentType]
