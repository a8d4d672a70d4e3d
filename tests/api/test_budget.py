"""A budget that is used up, as those who ask see it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from domain.spending.budget import BudgetLimits
from tests.configuration import settings
from tests.fixtures.generation import requests_with


@pytest.fixture
def poor(app, database, redis, monkeypatch):
    """The API with a budget of nothing."""
    limits = replace(BudgetLimits.of(settings), global_usd=Decimal(0))
    noon = datetime(2026, 11, 21, 12, tzinfo=UTC)
    requests = requests_with(database, redis, limits, lambda: noon)
    monkeypatch.setattr(app.state.services, "generations", requests)


async def test_a_budget_used_up_says_when_there_is_more_and_what_still_works(
    poor, api, make, model, database
):
    factoid = await make.factoid()

    answer = await api.post("/api/factoids/generate", json={"topic": "honey"})

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "budget_used_up")
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["retry_after_s"] == 12 * 3_600
    assert answer.headers["Retry-After"] == str(12 * 3_600)
    assert "Reading, voting" in problem["detail"]
    async with database.sessions() as session:
        left = await session.execute(
            text("SELECT id FROM generation_requests UNION ALL SELECT id FROM outbox")
        )
    assert left.all() == []
    assert (await api.get("/api/factoids")).status_code == 200
    vote = await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
    assert vote.status_code == 200


@pytest.mark.usefixtures("poor")
async def test_what_is_left_is_told_before_anybody_asks(api, model):
    told = (await api.get("/api/factoids/limits")).json()["budget"]

    assert told == {
        "state": "used_up",
        "resets_at": "2026-11-22T00:00:00Z",
        "reset_s": 12 * 3_600,
        "left_usd": "0",
    }


async def test_what_is_held_for_one_is_no_longer_left(api, model):
    before = (await api.get("/api/factoids/limits")).json()["budget"]
    asked = (await api.post("/api/factoids/generate", json={})).json()
    during = (await api.get("/api/factoids/limits")).json()["budget"]
    await api.delete(f"/api/factoids/generate/{asked['id']}")
    after = (await api.get("/api/factoids/limits")).json()["budget"]

    assert Decimal(during["left_usd"]) < Decimal(before["left_usd"]) == Decimal(after["left_usd"])
    assert [one["state"] for one in (before, during, after)] == ["open"] * 3
