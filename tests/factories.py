"""Rows with sensible values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import Checkout, Factoid, LanguageModel, Tally
from db.repositories.factoids import FactoidRepository
from domain.factoids.search import search_terms
from domain.text import key_of

NUMBERS = count(1)


def unique() -> str:
    """A word nobody else uses."""
    return uuid4().hex[:12]


class Factories:
    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions

    async def factoid(
        self,
        text: str | None = None,
        *,
        subject: str = "Venus",
        category: str = "space",
        origin: str = "seed",
        model: str | None = None,
        created_at: datetime | None = None,
        votes: tuple[int, int] = (0, 0),
    ) -> Factoid:
        """A published factoid with so many votes up and down, cast by nobody."""
        text = text or f"Fact number {next(NUMBERS)} is true of planets."
        factoid = Factoid(
            text=text,
            text_key=key_of(text),
            search_terms=search_terms(subject, text),
            subject=subject,
            emoji="🪐",
            category=category,
            origin=origin,
            model=model,
            created_at=created_at or datetime.now(UTC),
        )
        async with self.sessions.begin() as session:
            await FactoidRepository(session).add(factoid)
            await session.execute(
                update(Tally)
                .where(Tally.factoid_id == factoid.id)
                .values(votes_up=votes[0], votes_down=votes[1])
            )
        return factoid

    async def factoids(self, number: int) -> list[UUID]:
        """So many, a minute apart; the newest first."""
        now = datetime.now(UTC)
        made = [
            await self.factoid(created_at=now - timedelta(minutes=place)) for place in range(number)
        ]
        return [factoid.id for factoid in made]

    async def checkout(self, owner_id: UUID, **values: object) -> Checkout:
        """One of the booster pack that is open, and that Stripe was not asked for yet."""
        fields: dict[str, object] = {
            "owner_id": owner_id,
            "product": "booster_pack",
            "credits": 25,
            "amount": 500,
            "currency": "usd",
            "livemode": False,
            "offer_hash": f"offer {next(NUMBERS)}",
            "generate_on_payment": False,
        }
        checkout = Checkout(**fields | values)
        async with self.sessions.begin() as session:
            session.add(checkout)
        return checkout

    async def model(self, model_id: str = "openai/gpt-4o-mini", **values: object) -> LanguageModel:
        """An allowed language model that can be held to a schema."""
        fields: dict[str, object] = {
            "id": model_id,
            "name": model_id,
            "prompt_usd": Decimal("0.00000015"),
            "completion_usd": Decimal("0.0000006"),
            "request_usd": Decimal(0),
            "context_tokens": 128_000,
            "parameters": [
                *("structured_outputs", "response_format", "tools", "tool_choice"),
                *("max_completion_tokens", "temperature"),
            ],
            "fetched_at": datetime.now(UTC),
        }
        model = LanguageModel(**fields | values)
        async with self.sessions.begin() as session:
            session.add(model)
        return model
