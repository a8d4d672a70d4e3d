"""A site that sells, with Stripe's stand-in behind it; fixtures for whoever imports them."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from db.session import Database
from domain.payments.analytics import Analytics
from domain.payments.post_purchase import Wishes
from domain.payments.reconciliation import Reconciliation
from domain.payments.refunds import Refunds
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe
from domain.spending.budget import BudgetLimits
from settings import settings
from tests.generating import requests_with
from tests.paying import started_stripe, stripe_standin
from tests.processes import RunningAPI, running_api
from tests.standins.stripe import StripeStandIn

__all__ = ["buyer", "office", "shop", "shop_api", "started_stripe", "stripe_standin"]

CHECKOUT = "/api/payments/checkout"
PLENTY = "100000/60"


def selling(standin: StripeStandIn) -> dict[str, str]:
    """What a process is told that sells with this stand-in."""
    return {
        "STRIPE_SECRET_KEY": standin.key,
        "STRIPE_API_URL": standin.base_url,
        "STRIPE_WEBHOOK_SECRETS": ",".join(standin.deliveries.secrets),
        "CHECKOUT_LIMITS": PLENTY,
    }


@pytest.fixture(scope="session")
async def shop_api(
    empty_database: None, started_stripe: StripeStandIn
) -> AsyncGenerator[RunningAPI]:
    async with running_api(**selling(started_stripe), LOG_LEVEL="INFO") as api:
        yield api


@dataclass
class Shop:
    """The site, the stand-in that delivers to it, and what can be seen of both."""

    api: RunningAPI
    stripe: StripeStandIn
    database: Database

    async def buy(self, client: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
        """Begin to buy the booster pack, or what is wished."""
        answer = await client.post(CHECKOUT, json={"product": "booster_pack"} | wish)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def see(self, client: httpx.AsyncClient, checkout_id: str) -> dict[str, Any]:
        """How it stands, as the buyer sees it."""
        answer = await client.get(f"{CHECKOUT}/{checkout_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def row(self, checkout_id: str) -> Any:
        """How it stands in the table, where nobody asked Stripe to see it."""
        (row,) = await self.all("SELECT * FROM checkouts WHERE id = :id", id=UUID(checkout_id))
        return row

    async def all(self, query: str, **values: Any) -> list[Any]:
        async with self.database.sessions() as session:
            return [*(await session.execute(text(query), values)).all()]

    async def session_of(self, checkout_id: str) -> str:
        """The name of a checkout's session at Stripe."""
        return (await self.row(checkout_id)).session_id

    async def credits(self, checkout_id: str) -> tuple[int, int]:
        """How many times it granted, and how many credits are left of it."""
        (found,) = await self.all(
            "SELECT count(*) FILTER (WHERE kind = 'grant'),"
            " coalesce(sum(granted - held - used - revoked), 0)"
            " FROM credit_entries WHERE checkout_id = :id",
            id=UUID(checkout_id),
        )
        return found[0], int(found[1])

    async def end(self, checkout_id: str) -> tuple[Any, ...]:
        """How it ended: state, paid, refunded, disputed, credits revoked; grants and credits
        left; and what all entries sum up to.
        """
        row = await self.row(checkout_id)
        return (
            *(row.status, row.paid, row.refunded, row.disputed, row.revoked),
            await self.credits(checkout_id),
            sum(amount for _, amount in await self.entries(checkout_id)),
        )

    async def entries(self, checkout_id: str) -> list[tuple[str, int]]:
        """What moved, in order."""
        rows = await self.all(
            "SELECT kind, amount FROM payment_entries WHERE checkout_id = :id ORDER BY id",
            id=UUID(checkout_id),
        )
        return [(row.kind, row.amount) for row in rows]


@pytest.fixture
async def shop(shop_api: RunningAPI, stripe_standin: StripeStandIn, database: Database) -> Shop:
    stripe_standin.deliveries.url = f"{shop_api.url}/api/payments/webhook"
    return Shop(shop_api, stripe_standin, database)


class Office:
    """What a worker does with payments, in this process."""

    def __init__(self, database: Database, redis: Redis, stripe: Stripe) -> None:
        sessions = database.sessions
        requests = requests_with(database, redis, BudgetLimits.of(settings))
        self.wishes = Wishes(sessions, requests)
        self.payments = PaymentService(sessions, stripe, Analytics(sessions, settings), self.wishes)
        self.reconciliation = Reconciliation(sessions, self.payments)
        self.refunds = Refunds(sessions, self.payments)


@pytest.fixture
async def office(
    database: Database, redis: Redis, stripe_standin: StripeStandIn
) -> AsyncGenerator[Office]:
    stripe = Stripe(stripe_standin.key, site_url=settings.site_url, api_url=stripe_standin.base_url)
    yield Office(database, redis, stripe)
    await stripe.close()


@pytest.fixture
async def buyer(shop: Shop) -> AsyncGenerator[httpx.AsyncClient]:
    """A visitor of the shop."""
    async with shop.api.client() as client:
        yield client
