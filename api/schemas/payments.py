"""The wire shapes of buying something."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

ProductKey = Literal["booster_pack", "chat"]
CheckoutStatus = Literal["open", "processing", "paid", "failed", "expired", "refunded", "disputed"]


@dataclass
class ProductOut:
    """A product for sale."""

    key: ProductKey
    name: str
    description: str
    amount: int
    """In the currency's smallest unit: cents, or whole yen."""
    currency: str
    price: str
    """The amount formatted with its currency."""
    credits: int
    unit: str
    """What one credit pays for."""


@dataclass
class ProductsOut:
    payments: Literal["on", "off"]
    """off: nothing can be bought here."""
    products: list[ProductOut]

    @classmethod
    def example(cls) -> Self:
        pack = ProductOut(
            key="booster_pack",
            name="Factoid Booster Pack",
            description="25 new factoids about whatever you like.",
            amount=500,
            currency="usd",
            price="$5.00",
            credits=25,
            unit="generations",
        )
        return cls("on", [pack])


class CheckoutIn(msgspec.Struct, forbid_unknown_fields=True):
    """The product and, for the booster pack, the topic of a generation once it is paid."""

    product: ProductKey
    topic: Annotated[str, Meta(max_length=1_000)] | None = None
    """Free text, at most 120 grapheme clusters."""
    model: Annotated[str, Meta(max_length=200)] | None = None
    """An id from `GET /api/models`; by default the product chooses."""

    @classmethod
    def example(cls) -> Self:
        return cls(product="booster_pack", topic="octopuses")


@dataclass
class CheckoutOut:
    """A payment: how it stands, what was bought, what was paid. Amounts are in the currency's
    smallest unit.
    """

    id: UUID
    product: ProductKey
    status: CheckoutStatus
    """processing: Stripe has not received the money yet. disputed: a chargeback."""
    price: str
    """Before any promotion code."""
    amount: int
    currency: str
    credits: int
    """The number of credits granted on payment."""
    credits_revoked: int
    """The number of these revoked after a refund or dispute."""
    created_at: datetime
    url: str | None = None
    """Stripe's checkout page, while the status is open."""
    paid_at: datetime | None = None
    """When the credits were granted."""
    paid: int = 0
    """Less than the price with a promotion code."""
    paid_text: str = ""
    """The amount formatted with its currency."""
    refunded: int = 0
    refunded_text: str = ""
    """The amount formatted with its currency."""
    topic: str | None = None
    """The topic of the generation that starts on payment."""
    wished: bool = False
    """Whether a generation starts on payment."""
    generation_request_id: UUID | None = None
    """The request of that generation."""
    wish_given_up: bool = False
    """The generation could not be started for an hour; its credit remains with the buyer."""

    @classmethod
    def example(cls) -> Self:
        return cls(
            id=UUID("019a4f3f-02d8-7c11-a5e6-2c8b40d97f65"),
            product="booster_pack",
            status="paid",
            price="$5.00",
            amount=500,
            currency="usd",
            credits=25,
            credits_revoked=0,
            created_at=datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC),
            paid_at=datetime(2026, 11, 20, 9, 1, 30, tzinfo=UTC),
            paid=500,
            topic="octopuses",
            wished=True,
            generation_request_id=UUID("019a4f3d-20aa-7c55-8f0e-3b9d6a41c2e7"),
        )


@dataclass
class CheckoutsOut:
    items: list[CheckoutOut]

    @classmethod
    def example(cls) -> Self:
        return cls([CheckoutOut.example()])
