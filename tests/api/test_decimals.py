"""Amounts of money are written plainly, however small."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update

from api.decimals import plain_decimal
from api.fast_json import encode
from api.sse import event
from db.models import Factoid
from tests.fixtures.generation import MODEL

SMALL = Decimal("0.00000002")
PLAIN = re.compile(r"-?\d+(\.\d+)?")


def amounts(told: Any) -> dict[str, str]:
    """Every amount in an answer, by its name."""
    found: dict[str, str] = {}
    for name, value in told.items() if isinstance(told, dict) else enumerate(told):
        if isinstance(value, dict | list):
            found |= amounts(value)
        elif str(name).endswith("_usd") and value is not None:
            found[str(name)] = value
    return found


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-1, max_value=10**8))
def test_a_decimal_is_written_without_an_exponent_and_stays_the_same(amount: Decimal):
    written = encode(plain_decimal(amount)).decode().strip('"')

    assert PLAIN.fullmatch(written)
    assert Decimal(written) == amount


def test_so_it_is_in_an_event():
    assert event("factoid", {"cost_usd": plain_decimal(SMALL)}).endswith(
        b'{"cost_usd":"0.00000002"}\n\n'
    )


@pytest.fixture
async def dear_to_nobody(database, make, own_quotes):
    """A model, a factoid it wrote, and its request, for two hundred-millionths of a dollar each."""
    await make.model(MODEL, prompt_usd=SMALL, completion_usd=SMALL, request_usd=SMALL)
    factoid = await make.factoid(origin="manual", model=MODEL)
    async with database.sessions.begin() as session:
        await session.execute(
            text(
                "INSERT INTO generation_requests (id, origin, model, model_pinned, prompt_version,"
                " quote_usd, status, cost_usd, settled_at, created_at, finished_at, factoid_id)"
                " VALUES (:id, 'manual', :model, true, '1', 1, 'succeeded', :cost, now(), now(),"
                " now(), :factoid)"
            ),
            {"id": uuid4(), "model": MODEL, "cost": SMALL, "factoid": factoid.id},
        )
        await session.execute(update(Factoid).values(cost_usd=SMALL))
    return factoid


async def test_every_answer_writes_small_amounts_plainly(api, dear_to_nobody):
    asked = await api.post("/api/factoids/generate", json={})
    await api.post("/api/keys", json={"name": "a key"})
    places = ["/api/models", "/api/factoids", f"/api/factoids/{dear_to_nobody.id}", "/api/keys"]
    places += ["/api/factoids/quote", "/api/factoids/limits", "/api/factoids/generate"]
    told: dict[str, str] = amounts(asked.json())
    for place in places:
        found = amounts((await api.get(place)).json())
        assert found, place
        assert [one for one in found.values() if not PLAIN.fullmatch(one)] == [], place
        told |= found

    for name in ("prompt_usd", "completion_usd", "request_usd", "cost_usd", "usual_usd"):
        assert Decimal(told[name]) == SMALL
