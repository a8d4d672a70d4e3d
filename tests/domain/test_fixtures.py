"""The first factoids: enough, different, sourced, and such as the product itself would publish."""

from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from sqlalchemy import text

from domain.factoids.categories import Category
from domain.factoids.fixtures import FIXTURES, load_factoids, read_fixtures
from domain.generation.answer import read_answer
from domain.generation.duplicates import SIMILAR_AT_LEAST
from domain.text import key_of

SEEDS = read_fixtures()
STANDIN = msgspec.json.decode(Path("tests/standins/facts.json").read_bytes())


def test_there_are_enough_of_many_kinds():
    kinds = Counter(one.category for one in SEEDS)

    assert len(SEEDS) >= 200
    assert len(kinds) >= 12
    assert set(kinds) <= set(Category)
    assert len(STANDIN) >= 300


def test_each_names_its_source():
    for one in SEEDS:
        source = urlsplit(one.source_url)
        assert source.scheme == "https", one
        assert source.hostname, one
        assert source.path.strip("/"), one
        assert len(one.source_url) <= 500


@pytest.mark.parametrize("one", SEEDS, ids=lambda one: one.subject)
def test_each_is_one_the_product_would_publish(one):
    told = {"text": one.text, "subject": one.subject, "emoji": one.emoji, "category": one.category}

    draft = read_answer(msgspec.json.encode(told).decode())

    assert (draft.text, draft.subject, draft.category) == (one.text, one.subject, one.category)
    assert draft.emoji == one.emoji


async def test_none_says_what_another_says(session):
    """By the product's own measure, also against what the stand-in model answers."""
    keys = [key_of(one["text"]) for one in STANDIN] + [key_of(one.text) for one in SEEDS]
    assert len(set(keys)) == len(keys)

    await session.execute(text("CREATE TEMP TABLE said (n int, key text)"))
    await session.execute(
        text("INSERT INTO said VALUES (:n, :key)"),
        [{"n": n, "key": key} for n, key in enumerate(keys)],
    )
    alike = await session.execute(
        text(
            "SELECT a.key, b.key FROM said a JOIN said b ON a.n < b.n"
            " WHERE similarity(a.key, b.key) >= :limit"
        ),
        {"limit": SIMILAR_AT_LEAST},
    )
    assert alike.all() == []


async def test_loading_again_changes_nothing(database, api):
    first = await load_factoids(database.sessions)
    again = await load_factoids(database.sessions)
    items = (await api.get("/api/factoids?limit=100")).json()["items"]

    assert (first, again) == (len(SEEDS), 0)
    assert {item["origin"] for item in items} == {"seed"}
    assert all(item["source_url"] and item["model"] is None for item in items)
    assert len({item["category"] for item in items[:20]}) >= 5
    assert FIXTURES.exists()
