from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import USD, Instant, Keyed
from db.models.model_run import ModelRun, PaidCall

WEB_SEARCH = "web_search"
"""Recorded for a web search in place of a model's id."""


class ChatSession(Keyed):
    """One owner's chat with the agent. Its messages form a tree, of which one branch is shown.

    A deleted chat keeps its costs and none of its messages.
    """

    __tablename__ = "chat_sessions"
    __table_args__ = (
        Index("ix_chat_sessions_owner", "owner_id", sql("updated_at DESC"), sql("id DESC")),
    )

    owner_id: Mapped[UUID]
    """The visitor or the API key whose chat it is."""
    factoid_id: Mapped[UUID | None] = mapped_column(ForeignKey("factoids.id", ondelete="SET NULL"))
    """What it is about; null for all factoids."""
    title: Mapped[str] = mapped_column(String(1_000))
    """Empty until it is named, by its owner or by the first message."""
    model: Mapped[str] = mapped_column(String(255))
    model_pinned: Mapped[bool]
    """Whether the owner chose the model; then no other may answer."""
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
    """A message of the owner or of the agent, in reply to its parent."""

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
    """No foreign key: the messages of a chat are only deleted together."""
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(16))
    sources: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=sql("'[]'"))
    tools: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default=sql("'[]'"))


class ChatTurn(ModelRun):
    """One answer being written: for whom, its state and its cost."""

    __tablename__ = "chat_turns"
    __table_args__ = (
        CheckConstraint(
            "status IN ('queued','running','done','stopped','interrupted','failed')",
            name="status",
        ),
        # At most one open turn in a chat.
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
    budget_usd: Mapped[Decimal | None] = mapped_column(USD)
    """An API key's own budget, as it was when the turn was requested."""
    credit_owner: Mapped[UUID | None]
    """Whose credit pays for it; None while the allowance is free."""
    prompt_tokens: Mapped[int] = mapped_column(server_default=sql("0"))
    completion_tokens: Mapped[int] = mapped_column(server_default=sql("0"))


class ChatCall(PaidCall):
    """One call of a language model, or search of the web, for a turn.

    Its id is the ledger's: each call holds and settles its own money.
    """

    __tablename__ = "chat_calls"
    __table_args__ = (
        CheckConstraint("state IN ('held','called','answered','settled','unbilled')", name="state"),
        Index("uq_chat_calls_turn", "turn_id", "number", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    turn_id: Mapped[UUID] = mapped_column(ForeignKey("chat_turns.id", ondelete="CASCADE"))

    @property
    def hold_id(self) -> UUID:
        return self.id
