"""The wire shapes of factoids, votes and feedback."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Literal, Self
from uuid import UUID

import msgspec
from msgspec import Meta

Sort = Literal["new", "top", "hot", "controversial", "random", "relevance"]
VoteValue = Literal[-1, 0, 1]
FeedbackTag = Literal["wrong", "boring", "duplicate", "confusing", "offensive", "love-it"]


@dataclass
class TextPart:
    """A part of a factoid's text, and whether it matches the search."""

    text: str
    match: bool


class FactoidOut(msgspec.Struct, gc=False):
    """One published factoid with its tally of votes."""

    id: UUID
    text: str
    subject: str
    emoji: str
    category: str
    created_at: datetime
    votes_up: int
    votes_down: int
    score: int
    """Up votes minus down votes."""
    origin: str
    """manual, scheduled, api, paid or seed."""
    url: str
    """The permalink of the page that shows it."""
    model: str | None = None
    """The language model that wrote it, as OpenRouter names it; null for a seeded one."""
    my_vote: int | None = None
    """The caller's vote (-1 or 1), null without one."""
    cost_usd: Decimal | None = None
    """What the model's provider charged, in US dollars; null until it is known."""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    generation_s: float | None = None
    """Seconds from the call to the finished answer."""
    source_url: str | None = None
    """The encyclopedia article that is the source of a seeded factoid."""
    highlighted: list[TextPart] = []
    """The text split into matching and other parts; only in search results."""

    @classmethod
    def example(cls) -> Self:
        factoid_id = UUID("019a4f3e-6b1c-7d20-9c41-5f0a8e2d7b13")
        return cls(
            id=factoid_id,
            text="Octopuses have three hearts, and two of them stop beating while they swim.",
            subject="Octopus hearts",
            emoji="🐙",
            category="ocean",
            created_at=datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC),
            votes_up=41,
            votes_down=3,
            score=38,
            origin="manual",
            url=f"https://factoids.example/f/{factoid_id}",
            model="openai/gpt-4o-mini",
            my_vote=1,
            cost_usd=Decimal("0.0000831"),
            prompt_tokens=402,
            completion_tokens=38,
            generation_s=1.7,
        )


class FactoidPage(msgspec.Struct, gc=False):
    """One page of factoids; `next_cursor` is null on the last one."""

    items: list[FactoidOut]
    next_cursor: str | None = None

    @classmethod
    def example(cls) -> Self:
        return cls([FactoidOut.example()], next_cursor="WyJuZXciLDE3NjM2MjkyMDRd.q8mEJ")


@dataclass
class CategoryOut:
    """One of the fixed categories and how many factoids it holds."""

    category: str
    label: str
    emoji: str
    count: int


@dataclass
class CategoriesOut:
    items: list[CategoryOut]

    @classmethod
    def example(cls) -> Self:
        return cls([CategoryOut("ocean", "Ocean", "🌊", 12)])


class VoteIn(msgspec.Struct, forbid_unknown_fields=True):
    """1 is 🤯 "Mind blown", -1 is 😒 "Meh", 0 takes the vote back."""

    value: VoteValue

    @classmethod
    def example(cls) -> Self:
        return cls(value=1)


@dataclass
class TallyOut:
    """A factoid's votes, including the caller's."""

    factoid_id: UUID
    votes_up: int
    votes_down: int
    score: int
    my_vote: int | None = None

    @classmethod
    def example(cls) -> Self:
        return cls(FactoidOut.example().id, votes_up=42, votes_down=3, score=39, my_vote=1)


class FeedbackIn(msgspec.Struct, forbid_unknown_fields=True):
    """Why a factoid is good or bad; a comment, tags, or both."""

    factoid_id: UUID
    comment: Annotated[str, Meta(max_length=16_000)] | None = None
    """At most 1,000 grapheme clusters; an emoji may be many code points."""
    tags: Annotated[list[FeedbackTag], Meta(max_length=6)] = []
    vote: VoteValue | None = None
    """A vote to cast as well; without one, the feedback records the current vote."""

    @classmethod
    def example(cls) -> Self:
        return cls(FactoidOut.example().id, comment="I told everyone at dinner.", tags=["love-it"])


@dataclass
class FeedbackOut:
    id: UUID
    factoid_id: UUID
    created_at: datetime
    vote: int | None = None
    comment: str | None = None
    tags: list[str] = field(default_factory=list[str])

    @classmethod
    def example(cls) -> Self:
        return cls(
            id=UUID("019a4f41-9d02-7a77-b0c3-64e1f5d8a920"),
            factoid_id=FactoidOut.example().id,
            created_at=datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC),
            vote=1,
            comment="I told everyone at dinner.",
            tags=["love-it"],
        )
