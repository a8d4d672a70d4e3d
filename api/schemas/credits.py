"""The wire shapes of credits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from api.schemas.payments import CheckoutOut, ProductKey


@dataclass
class BalanceOut:
    """Your credits of one product. What is not held, used or revoked is left."""

    product: ProductKey
    left: int
    held: int
    """For what is under way: used when you get it, back when you do not."""
    granted: int
    """All you ever bought."""
    used: int
    revoked: int
    """Taken back, for the money went back."""


@dataclass
class EntryOut:
    """One movement of your credits."""

    at: datetime
    kind: Literal["grant", "hold", "use", "give_back", "revoke", "restore"]
    product: ProductKey
    credits: int
    """How many were moved."""
    left_change: int
    """By how much what is left changed: -1 for one held, 0 for one used that was held before."""
    checkout_id: UUID
    """The payment they come from."""
    request_id: UUID | None = None
    """What they were moved for; null where the payment itself moved them."""


@dataclass
class CreditsOut:
    balances: list[BalanceOut]
    """One for each product you ever bought."""
    history: list[EntryOut]
    """The last hundred movements, the newest first."""

    @classmethod
    def example(cls) -> Self:
        checkout = CheckoutOut.example()
        at, request_id = checkout.created_at, checkout.generation_request_id
        return cls(
            [BalanceOut("booster_pack", left=23, held=1, granted=25, used=1, revoked=0)],
            [
                EntryOut(at, "hold", "booster_pack", 1, -1, checkout.id, request_id),
                EntryOut(at, "grant", "booster_pack", 25, 25, checkout.id),
            ],
        )
