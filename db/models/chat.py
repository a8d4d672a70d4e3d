from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Double, ForeignKey, Index, String, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Base, Instant, Keyed

WEB_SEARCH = "web_search"
"""What a search of the web is written down as, in place of a model's id."""


class ChatSession(Keyed):
    """A talk of one owner with the agent. Its messages are a tree; one branch of it is shown.

    Deleted, it keeps what it cost and nothing of what was said.
    """

    __tablename__ = "chat_sessions"
    __table_args__ = (
        Index("ix_chat_sessions_owner", "owner_id", sql("updated_at DESC"), sql("id DESC")),
    )

    owner_id: Mapped[UUID]
    """The visitor or the API key whose talk it is."""
    factoid_id: Mapped[UUID | None] = mapped_column(ForeignKey("factoids.id", ondelete="SET NULL"))
    """What it is about; null for all factoids."""
    title: Mapped[str] = mapped_column(String(1_000))
    """Empty until it is named, by its owner or by the first message."""
    model: Mapped[str] = mapped_column(String(255))
    model_pinned: Mapped[bool]
    """Whether the owner named the model; then no other may answer."""
    prompt_version: Mapped[str] = mapped_column(String(16))
    leaf_id: Mapped[UUID | None]
    """The last message of the branch that is shown."""
    updated_at: Mapped[datetime] = mapped_column(Instant)
    prompt_tokens: Mapped[int] = mapped_column(server_default=sql("0"))
    completion_tokens: Mapped[int] = mapped_column(server_default=sql("0"))
    cost_usd: Mapped[Decimal] = mapped_column(USD, server_default=sql("0"))
    """Of all its turns, as far as they are settled."""
    share_token: Mapped[str | None] = mapped_column(String(64), unique=True)
    shared_leaf_id: Mapped[UUID | None]
    """The last message that the link shows."""
    shared_at: Mapped[datetime | None] = mapped_column(Instant)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)


class ChatMessage(Keyed):
    """What somebody or the agent said, after its parent."""

    __tablename__ = "chat_messages"
    __table_args__ = (
        CheckConstraint("role IN ('user','assistant')", name="role"),
        CheckConstraint(
            "status IN ('writing','done','stopped','interrupted','failed')", name="status"
        ),
        Index("ix_chat_messages_session", "session_id"),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    parent_id: Mapped[UUID | None]
    """No foreign key: messages only ever go together."""
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    sources: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=sql("'[]'"))
    tools: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=sql("'[]'"))


class ChatTurn(Keyed):
    """One answer being written: who asked, how it stands and what it cost."""

    __tablename__ = "chat_turns"
    __table_args__ = (
        CheckConstraint(
            "status IN ('queued','running','done','stopped','interrupted','failed')",
            name="status",
        ),
        # One turn at a time, whoever asks from wherever.
        Index(
            "uq_chat_turns_open",
            "session_id",
            unique=True,
            postgresql_where=sql("status IN ('queued','running')"),
        ),
        Index("ix_chat_turns_session", "session_id", sql("created_at DESC")),
        Index("ix_chat_turns_answer", "answer_id"),
        Index("ix_chat_turns_settled", sql("settled_at DESC")),
    )

    session_id: Mapped[UUID] = mapped_column(ForeignKey("chat_sessions.id", ondelete="CASCADE"))
    answer_id: Mapped[UUID]
    """The message it writes; its parent is the question."""
    caller_kind: Mapped[str] = mapped_column(String(16))
    caller_id: Mapped[UUID]
    network: Mapped[str | None] = mapped_column(String(64))
    budget_usd: Mapped[Decimal | None] = mapped_column(USD)
    """An API key's own budget, as it was when the turn was asked for."""
    credit_owner: Mapped[UUID | None]
    """Whose credit pays for it; None while the allowance is free."""
    model: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(16), server_default="queued")
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    lease_holder: Mapped[UUID | None]
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Instant)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    problem_code: Mapped[str | None] = mapped_column(String(64))
    problem_detail: Mapped[str | None] = mapped_column(String(500))
    allowance_returned: Mapped[bool] = mapped_column(server_default=sql("false"))
    quote_usd: Mapped[Decimal] = mapped_column(USD)
    """The most its first call could cost."""
    cost_usd: Mapped[Decimal | None] = mapped_column(USD)
    cost_source: Mapped[str | None] = mapped_column(String(16))
    prompt_tokens: Mapped[int] = mapped_column(server_default=sql("0"))
    completion_tokens: Mapped[int] = mapped_column(server_default=sql("0"))


class ChatCall(Base):
    """One call of a language model, or search of the web, for a turn: written down and paid for
    before it is made.

    Its id is the ledger's: each call holds and settles by itself.
    """

    __tablename__ = "chat_calls"
    __table_args__ = (
        CheckConstraint("state IN ('held','called','answered','settled','unbilled')", name="state"),
        Index("uq_chat_calls_turn", "turn_id", "number", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    turn_id: Mapped[UUID] = mapped_column(ForeignKey("chat_turns.id", ondelete="CASCADE"))
    number: Mapped[int]
    model: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    upstream_id: Mapped[str | None] = mapped_column(String(255))
    """OpenRouter's id of the generation, known before its first token."""
    quote_usd: Mapped[Decimal] = mapped_column(USD)
    cost_usd: Mapped[Decimal | None] = mapped_column(USD)
    cost_source: Mapped[str | None] = mapped_column(String(16))
    provider: Mapped[str | None] = mapped_column(String(128))
    prompt_tokens: Mapped[int | None]
    completion_tokens: Mapped[int | None]
    first_token_s: Mapped[float | None] = mapped_column(Double)
    total_s: Mapped[float | None] = mapped_column(Double)
    called_at: Mapped[datetime] = mapped_column(Instant)
