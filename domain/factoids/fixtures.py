"""The seeded factoids, which a new site starts with."""

from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Factoid
from db.repositories.factoids import FactoidRepository
from domain.factoids.categories import Category
from domain.factoids.search import search_terms
from domain.text import key_of

FIXTURES = Path("db/fixtures/factoids.json")
PUBLISHED_APART = timedelta(hours=3)
"""The interval between the publication times of seeded factoids."""


class SeededFactoid(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    subject: str
    emoji: str
    category: Category
    source_url: str


def read_fixtures(path: Path = FIXTURES) -> list[SeededFactoid]:
    return msgspec.json.decode(path.read_bytes(), type=list[SeededFactoid])


async def load_factoids(sessions: async_sessionmaker[AsyncSession]) -> int:
    """Publish the seeded factoids that are not published yet; returns how many."""
    seeded = read_fixtures()
    by_key = {key_of(factoid.text): factoid for factoid in seeded}
    newest = datetime.now(UTC) - timedelta(hours=1)
    async with sessions.begin() as session:
        factoids = FactoidRepository(session)
        await factoids.lock_publishing()
        missing = set(by_key) - await factoids.published_keys(list(by_key))
        # In a pseudo-random but repeatable order, which mixes the categories.
        shuffled = sorted(missing, key=lambda key: md5(key.encode()).digest())
        for index, key in enumerate(shuffled):
            seed = by_key[key]
            await factoids.add(
                Factoid(
                    text=seed.text,
                    text_key=key,
                    search_terms=search_terms(seed.subject, seed.text),
                    subject=seed.subject,
                    emoji=seed.emoji,
                    category=seed.category.value,
                    origin="seed",
                    source_url=seed.source_url,
                    created_at=newest - index * PUBLISHED_APART,
                )
            )
    return len(missing)
