"""Maps API keys to response schemas."""

from decimal import Decimal
from typing import Any

from api.decimals import plain_decimal
from api.schemas.keys import KeyOut, KeyUsageOut, NewKeyOut
from domain.accounts.keys import prefix_of
from domain.accounts.service import NewKey, UsedKey


def new_key_out(new_key: NewKey) -> NewKeyOut:
    key = new_key.key
    scopes: Any = key.scopes
    return NewKeyOut(
        key.id, new_key.token, key.name, scopes, key.last4, key.created_at, key.expires_at
    )


def key_out(used: UsedKey, default_budget_usd: Decimal) -> KeyOut:
    key, today = used.key, used.today
    budget_usd = default_budget_usd if key.budget_usd is None else key.budget_usd
    scopes: Any = key.scopes
    return KeyOut(
        id=key.id,
        name=key.name,
        prefix=prefix_of(key.id),
        last4=key.last4,
        scopes=scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        usage=KeyUsageOut(
            today.generations, plain_decimal(today.spent_usd), plain_decimal(budget_usd)
        ),
    )
