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
    """Held by requests in progress: used on success, returned on failure."""
    granted: int
    """All credits ever bought."""
    used: int
    revoked: int
    """Revoked because the payment was refunded or disputed."""


@dataclass
class EntryOut:
    """One movement of your credits."""

    at: datetime
    kind: Literal["grant", "hold", "use", "give_back", "revoke", "restore"]
    product: ProductKey
    credits: int
    """The number of credits moved."""
    left_change: int
    """The change of `left`: -1 for a credit that is held, 0 for a held one that is used."""
    checkout_id: UUID
    """The payment that granted the credits."""
    request_id: UUID | None = None
    """The request that moved them; null if the payment did."""


@dataclass
class CreditsOut:
    balances: list[BalanceOut]
    """One for each product ever bought."""
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
