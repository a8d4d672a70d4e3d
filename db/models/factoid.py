from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, Double, ForeignKey, Index, String, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Base, Instant, Keyed

_UP = "votes_up::double precision"
_ALL = "(votes_up + votes_down)::double precision"

WILSON_LOWER_BOUND = f"""
CASE WHEN votes_up + votes_down = 0 THEN 0 ELSE
  ({_UP} / {_ALL} + 0.82124928 / {_ALL}
    - 1.2816 * sqrt(({_UP} / {_ALL} * (1 - {_UP} / {_ALL}) + 0.41062464 / {_ALL}) / {_ALL}))
  / (1 + 1.64249856 / {_ALL})
END"""
"""Lower bound of the 80 % Wilson interval: z = 1.2816; z², its half and its quarter."""


SEARCHED = "(search || to_tsvector('english'::regconfig, search_terms))"
"""All that a search finds a factoid by."""


class Factoid(Keyed):
    """One published factoid. Its text never changes; its votes are in `Tally`."""

    __tablename__ = "factoids"
    __table_args__ = (
        Index("ix_factoids_newest", sql("created_at DESC"), sql("id DESC")),
        Index("ix_factoids_category", "category", sql("created_at DESC"), sql("id DESC")),
        Index("ix_factoids_model", "model", sql("created_at DESC"), sql("id DESC")),
        Index("ix_factoids_shuffle", "shuffle_key", "id"),
        Index("ix_factoids_searched", sql(SEARCHED), postgresql_using="gin"),
        Index(
            "ix_factoids_similar",
            "text_key",
            postgresql_using="gin",
            postgresql_ops={"text_key": "gin_trgm_ops"},
        ),
    )

    text: Mapped[str] = mapped_column(String(4_000))
    text_key: Mapped[str] = mapped_column(String(4_000), unique=True)
    """The text in lower case without punctuation: two factoids may not share it."""
    subject: Mapped[str] = mapped_column(String(255))
    emoji: Mapped[str] = mapped_column(String(32))
    category: Mapped[str] = mapped_column(String(32))
    origin: Mapped[str] = mapped_column(String(16))
    model: Mapped[str | None] = mapped_column(String(255))
    source_url: Mapped[str | None] = mapped_column(String(500))
    cost_usd: Mapped[Decimal | None] = mapped_column(USD)
    """What all model calls of its request were charged; null until every one is known."""
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    generation_s: Mapped[float | None] = mapped_column(Double)
    shuffle_key: Mapped[float] = mapped_column(Double, server_default=sql("random()"))
    """A place on a ring from 0 to 1; a shuffled feed starts anywhere on it."""
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', subject), 'A')"
            " || setweight(to_tsvector('english', text), 'B')",
            persisted=True,
        ),
    )
    search_terms: Mapped[str] = mapped_column(Text, server_default="")
    """The words that Postgres' parser does not know, as `domain/factoids/search.py` spells them."""


class Tally(Base):
    """A factoid's votes and the ranks that follow from them.

    A table of its own, so that a vote does not rewrite the factoid's search indexes.
    """

    __tablename__ = "tallies"
    __table_args__ = (
        CheckConstraint("votes_up >= 0 AND votes_down >= 0", name="not_negative"),
        Index("ix_tallies_top", sql("top_rank DESC"), sql("factoid_id DESC")),
        Index("ix_tallies_controversial", sql("controversy_rank DESC"), sql("factoid_id DESC")),
        Index("ix_tallies_hot", sql("hot_rank DESC"), sql("factoid_id DESC")),
        {"postgresql_with": {"fillfactor": 50}},
    )

    factoid_id: Mapped[UUID] = mapped_column(
        ForeignKey("factoids.id", ondelete="CASCADE"), primary_key=True
    )
    votes_up: Mapped[int] = mapped_column(server_default=sql("0"))
    votes_down: Mapped[int] = mapped_column(server_default=sql("0"))
    published_at: Mapped[datetime] = mapped_column(Instant)
    top_rank: Mapped[float] = mapped_column(Double, Computed(WILSON_LOWER_BOUND, persisted=True))
    controversy_rank: Mapped[float] = mapped_column(
        Double,
        Computed(
            "CASE WHEN votes_up = 0 OR votes_down = 0 THEN 0 ELSE power(votes_up + votes_down,"
            " least(votes_up, votes_down)::double precision / greatest(votes_up, votes_down)) END",
            persisted=True,
        ),
    )
    hot_rank: Mapped[float] = mapped_column(Double, server_default=sql("0"))
    """As of the last vote or the last refresh; 0 from the seventh day on."""
