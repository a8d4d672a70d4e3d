"""The wire shapes of API keys."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

Scope = Literal["read", "generate", "vote", "chat", "admin"]
FreeScope = Literal["read", "generate", "vote", "chat"]


class KeyIn(msgspec.Struct, forbid_unknown_fields=True):
    """The name, scopes and lifetime of a new key."""

    name: Annotated[str, Meta(min_length=1, max_length=80)]
    scopes: Annotated[list[FreeScope], Meta(min_length=1, max_length=4)] | None = None
    """By default all of them."""
    expires_in_days: Annotated[int, Meta(ge=1, le=365)] | None = None
    """By default a year."""

    @classmethod
    def example(cls) -> Self:
        return cls(name="my phone", scopes=["read", "generate"], expires_in_days=90)


@dataclass
class NewKeyOut:
    """A new key with its token, which no later response contains."""

    id: UUID
    token: str
    name: str
    scopes: list[Scope]
    last4: str
    created_at: datetime
    expires_at: datetime | None = None

    @classmethod
    def example(cls) -> Self:
        return cls(
            id=UUID("019a4f3d-7e21-7b0a-8c35-91d2f4a6be08"),
            token="adf_" + "…" * 71,
            name="my phone",
            scopes=["generate", "read"],
            last4="7Qwz",
            created_at=datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC),
            expires_at=datetime(2027, 2, 18, 9, 0, 4, tzinfo=UTC),
        )


@dataclass
class KeyUsageOut:
    """The usage of a key since midnight UTC."""

    generations_today: int
    spent_today_usd: Decimal
    budget_usd: Decimal
    """The daily budget of the key."""


@dataclass
class KeyOut:
    """A key without its token."""

    id: UUID
    name: str
    prefix: str
    last4: str
    scopes: list[Scope]
    created_at: datetime
    usage: KeyUsageOut
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass
class KeysOut:
    items: list[KeyOut]

    @classmethod
    def example(cls) -> Self:
        created = NewKeyOut.example()
        key = KeyOut(
            id=created.id,
            name=created.name,
            prefix="adf_02q4Ty8s",
            last4=created.last4,
            scopes=created.scopes,
            created_at=created.created_at,
            usage=KeyUsageOut(2, spent_today_usd=Decimal("0.00017"), budget_usd=Decimal("0.5")),
            expires_at=created.expires_at,
        )
        return cls([key])
