"""The ranks in SQL against the formulas written down once more in Python."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from db.models import Tally
from db.repositories.factoids import FactoidRepository

Z = 1.2816


def wilson(up: int, down: int) -> float:
    n = up + down
    if n == 0:
        return 0.0
    p = up / n
    spread = Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
    return (p + Z**2 / (2 * n) - spread) / (1 + Z**2 / n)


def lemmy_controversy(up: int, down: int) -> float:
    if up <= 0 or down <= 0:
        return 0.0
    return (up + down) ** (min(up, down) / max(up, down))


def lemmy_hot(up: int, down: int, hours: float) -> float:
    if not 0 <= hours < 7 * 24:
        return 0.0
    return math.log10(max(2, up - down + 2)) / (hours + 2) ** 1.8


def tallies() -> list[tuple[int, int]]:
    chosen = random.Random(20261121)
    small = [(up, down) for up in range(12) for down in range(12)]
    large = [(chosen.randrange(10**6), chosen.randrange(10**6)) for _ in range(100)]
    return small + large + [(10**6, 0), (0, 10**6), (10**6, 10**6), (2**30, 1), (1, 2**30)]


async def test_top_and_controversial_are_as_their_formulas_say(session, make):
    factoid = await make.factoid()
    for up, down in tallies():
        row = (
            await session.execute(
                update(Tally)
                .where(Tally.factoid_id == factoid.id)
                .values(votes_up=up, votes_down=down)
                .returning(Tally.top_rank, Tally.controversy_rank)
            )
        ).one()
        assert row.top_rank == pytest.approx(wilson(up, down), rel=1e-9, abs=1e-12), (up, down)
        assert row.controversy_rank == pytest.approx(lemmy_controversy(up, down), rel=1e-9)


async def test_hot_is_as_its_formula_says(session):
    now = datetime.now(UTC)
    for up, down in tallies():
        for hours in (0.0, 0.5, 2.0, 24.0, 167.9, 168.0, 1_000.0, -1.0):
            rank = await session.scalar(
                select(func.hot_rank(up, down, now - timedelta(hours=hours), now))
            )
            assert rank == pytest.approx(lemmy_hot(up, down, hours), rel=1e-9), (up, down, hours)


async def test_hot_sinks_with_age_and_ends_after_a_week(database, make):
    now = datetime.now(UTC)
    aged = [
        await make.factoid(created_at=now - timedelta(hours=hours), votes=(5, 0))
        for hours in (1, 30, 167, 200)
    ]
    async with database.sessions.begin() as session:
        await session.execute(update(Tally).values(hot_rank=1.0))
        await FactoidRepository(session).refresh_hot_ranks()

    async with database.sessions() as session:
        ranks = [(await session.get(Tally, one.id)).hot_rank for one in aged]

    assert ranks == sorted(ranks, reverse=True)
    assert ranks[2] > 0
    assert ranks[3] == 0


async def test_the_feed_follows_the_ranks(api, make):
    chosen = random.Random(7)
    hours = {}
    for _ in range(40):
        votes = (chosen.randrange(30), chosen.randrange(30))
        factoid = await make.factoid(votes=votes)
        hours[str(factoid.id)] = votes
    for sort, formula in (("top", wilson), ("controversial", lemmy_controversy)):
        shown = (await api.get(f"/api/factoids?sort={sort}&limit=100")).json()["items"]
        ranks = [formula(*hours[item["id"]]) for item in shown]
        assert ranks == pytest.approx(sorted(ranks, reverse=True)), sort
