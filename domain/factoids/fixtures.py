"""The first set of factoids, for a site that has none yet."""

from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Factoid
from db.repositories.factoids import FactoidRepository
from domain.factoids.categories import Category
from domain.text import key_of

FIXTURES = Path("db/fixtures/factoids.json")
APART = timedelta(hours=3)
"""How far apart the seeded factoids appear to have been published."""


class SeededFactoid(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    subject: str
    emoji: str
    category: Category
    source_url: str


def read_fixtures(path: Path = FIXTURES) -> list[SeededFactoid]:
    return msgspec.json.decode(path.read_bytes(), type=list[SeededFactoid])


async def load_factoids(sessions: async_sessionmaker[AsyncSession]) -> int:
    """Publish the seeded factoids that are not there yet; how many these were."""
    seeded = read_fixtures()
    keys = {key_of(one.text): one for one in seeded}
    newest = datetime.now(UTC) - timedelta(hours=1)
    async with sessions.begin() as session:
        factoids = FactoidRepository(session)
        await factoids.lock_publishing()
        missing = set(keys) - await factoids.published_keys(list(keys))
        # Spread like the deal of a pack, so that no category comes in one piece.
        dealt = sorted(missing, key=lambda key: md5(key.encode()).digest())
        for place, key in enumerate(dealt):
            one = keys[key]
            await factoids.add(
                Factoid(
                    text=one.text,
                    text_key=key,
                    subject=one.subject,
                    emoji=one.emoji,
                    category=one.category.value,
                    origin="seed",
                    source_url=one.source_url,
                    created_at=newest - place * APART,
                )
            )
    return len(missing)
