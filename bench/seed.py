"""Synthetic factoids that read, search and rank like real ones, loaded by COPY."""

import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg

from dev.state import ROOT
from domain.factoids.categories import Category
from domain.text import key_of

BATCH = 20_000
EVERY = timedelta(minutes=11)
"""One factoid in so much time, on average: 200,000 reach back four years."""

MODELS = ("openai/gpt-5-mini", "anthropic/claude-haiku-4.5", "google/gemini-2.5-flash", None)
EMOJI = "🪐🐙🌋🐝🎻🏺🧠🍯🗺💡"
FACTOIDS = (
    *("id", "text", "text_key", "subject", "emoji", "category", "origin", "model"),
    *("cost_usd", "prompt_tokens", "completion_tokens", "generation_s", "created_at"),
)


class Writer:
    """Makes up sentences from pairs of words that follow each other in the real factoids."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        known = json.loads((ROOT / "db" / "fixtures" / "factoids.json").read_text())
        self.subjects = [fact["subject"] for fact in known]
        self._openings: list[tuple[str, str]] = []
        self._following: dict[str, list[str]] = defaultdict(list)
        for fact in known:
            said = fact["text"].rstrip(".").split()
            self._openings.append((said[0], said[1]))
            for word, following in pairwise(said[1:]):
                self._following[word].append(following)
        self.words = sorted({key_of(word) for word in self._following if word.isalpha()})

    def sentence(self) -> str:
        said = list(self._chance.choice(self._openings))
        length = self._chance.randint(14, 30)
        while len(said) < length:
            following = self._following.get(said[-1])
            said += [self._chance.choice(following)] if following else self._bridge()
        return f"{' '.join(said)}."

    def _bridge(self) -> list[str]:
        return ["and", self._chance.choice(self.words)]


async def load(url: str, count: int, *, seed: int = 7) -> None:
    """Fill an empty database with factoids, votes and tallies that agree with them."""
    connection = await asyncpg.connect(url)
    try:
        indexes = await _drop_indexes(connection)
        newest = datetime.now(UTC) - timedelta(minutes=1)
        chance = random.Random(seed)
        writer, keys = Writer(chance), set[str]()
        for start in range(0, count, BATCH):
            size = min(BATCH, count - start)
            rows = list(_factoids(chance, writer, keys, newest - EVERY * start, size))
            await connection.copy_records_to_table("factoids", records=rows, columns=FACTOIDS)
            votes, tallies = _votes(chance, [(row[0], row[-1]) for row in rows])
            await connection.copy_records_to_table(
                "tallies",
                records=tallies,
                columns=("factoid_id", "votes_up", "votes_down", "published_at"),
            )
            await connection.copy_records_to_table(
                "votes", records=votes, columns=("factoid_id", "voter_id", "value")
            )
        await connection.execute("SET maintenance_work_mem = '256MB'")
        for definition in indexes:
            await connection.execute(definition)
        await connection.execute(
            "UPDATE tallies SET hot_rank = hot_rank(votes_up, votes_down, published_at, now())"
            " WHERE published_at > now() - interval '7 days'"
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _drop_indexes(connection: Any) -> list[str]:
    """Drop what is quicker built afterwards; how to build it again."""
    rows = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        " AND indexname LIKE 'ix\\_%' AND tablename IN ('factoids', 'tallies')"
    )
    for row in rows:
        await connection.execute(f'DROP INDEX "{row["indexname"]}"')
    return [row["indexdef"] for row in rows]


def _factoids(
    chance: random.Random, writer: Writer, keys: set[str], newest: datetime, size: int
) -> Iterator[tuple[Any, ...]]:
    categories = [category.value for category in Category]
    for number in range(size):
        text = writer.sentence()
        while (key := key_of(text)) in keys:
            text = writer.sentence()
        keys.add(key)
        model = chance.choice(MODELS)
        created = newest - EVERY * number - timedelta(seconds=chance.random() * 300)
        yield (
            _uuid7(chance, created),
            text,
            key,
            chance.choice(writer.subjects),
            chance.choice(EMOJI),
            chance.choice(categories),
            chance.choice(("manual", "scheduled")) if model else "seed",
            model,
            Decimal(chance.randrange(50_000, 900_000)).scaleb(-9) if model else None,
            chance.randrange(600, 1_800) if model else None,
            chance.randrange(40, 120) if model else None,
            round(chance.uniform(0.8, 6), 3) if model else None,
            created,
        )


def _votes(
    chance: random.Random, published: list[tuple[UUID, datetime]]
) -> tuple[list[tuple[UUID, UUID, int]], list[tuple[UUID, int, int, datetime]]]:
    """Few votes on most factoids, many on a few."""
    votes: list[tuple[UUID, UUID, int]] = []
    tallies: list[tuple[UUID, int, int, datetime]] = []
    for factoid_id, created in published:
        cast = min(60, int(chance.paretovariate(1.2)) - 1)
        liked = chance.uniform(0.3, 1)
        values = [1 if chance.random() < liked else -1 for _ in range(cast)]
        votes += [(factoid_id, UUID(int=chance.getrandbits(128)), value) for value in values]
        tallies.append((factoid_id, values.count(1), values.count(-1), created))
    return votes, tallies


def _uuid7(chance: random.Random, moment: datetime) -> UUID:
    at_ms = int(moment.timestamp() * 1_000)
    marked = (at_ms << 80) | (7 << 76) | (chance.getrandbits(12) << 64)
    return UUID(int=marked | (2 << 62) | chance.getrandbits(62))
