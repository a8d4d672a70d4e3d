"""Keep chats."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "c4a7d1e90b21"
down_revision: str | None = "c41e7d20b6a5"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

USD = sa.Numeric(precision=20, scale=12)
Instant = sa.DateTime(timezone=True)
ID = sa.text("gen_random_uuid()")
NOW = sa.text("now()")


def upgrade() -> None:
    op.create_table(
        "chat_sessions",
        sa.Column("id", sa.Uuid(), server_default=ID, nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("factoid_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=1000), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("model_asked", sa.Boolean(), nullable=False),
        sa.Column("prompt_version", sa.String(length=16), nullable=False),
        sa.Column("leaf_id", sa.Uuid(), nullable=True),
        sa.Column("updated_at", Instant, nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cost_usd", USD, server_default=sa.text("0"), nullable=False),
        sa.Column("share_token", sa.String(length=64), nullable=True),
        sa.Column("shared_leaf_id", sa.Uuid(), nullable=True),
        sa.Column("shared_at", Instant, nullable=True),
        sa.Column("deleted_at", Instant, nullable=True),
        sa.Column("created_at", Instant, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["factoid_id"],
            ["factoids.id"],
            name=op.f("fk_chat_sessions_factoid_id_factoids"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_sessions")),
        sa.UniqueConstraint("share_token", name=op.f("uq_chat_sessions_share_token")),
    )
    op.create_index(
        "ix_chat_sessions_owner",
        "chat_sessions",
        ["owner_id", sa.literal_column("updated_at DESC"), sa.literal_column("id DESC")],
    )
    op.create_table(
        "chat_messages",
        sa.Column("id", sa.Uuid(), server_default=ID, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("sources", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("tools", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created_at", Instant, server_default=NOW, nullable=False),
        sa.CheckConstraint("role IN ('user','assistant')", name=op.f("ck_chat_messages_role")),
        sa.CheckConstraint(
            "status IN ('writing','done','stopped','interrupted','failed')",
            name=op.f("ck_chat_messages_status"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["chat_sessions.id"],
            name=op.f("fk_chat_messages_session_id_chat_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_messages")),
    )
    op.create_index("ix_chat_messages_session", "chat_messages", ["session_id"])
    op.create_table(
        "chat_turns",
        sa.Column("id", sa.Uuid(), server_default=ID, nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("caller_kind", sa.String(length=16), nullable=False),
        sa.Column("caller_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("budget_usd", USD, nullable=True),
        sa.Column("credit_owner", sa.Uuid(), nullable=True),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="queued", nullable=False),
        sa.Column("lease_until", Instant, nullable=True),
        sa.Column("lease_holder", sa.Uuid(), nullable=True),
        sa.Column("cancel_asked_at", Instant, nullable=True),
        sa.Column("started_at", Instant, nullable=True),
        sa.Column("finished_at", Instant, nullable=True),
        sa.Column("settled_at", Instant, nullable=True),
        sa.Column("problem_code", sa.String(length=64), nullable=True),
        sa.Column("problem_detail", sa.String(length=500), nullable=True),
        sa.Column(
            "allowance_returned", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("quote_usd", USD, nullable=False),
        sa.Column("cost_usd", USD, nullable=True),
        sa.Column("cost_source", sa.String(length=16), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", Instant, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "status IN ('queued','running','done','stopped','interrupted','failed')",
            name=op.f("ck_chat_turns_status"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["chat_sessions.id"],
            name=op.f("fk_chat_turns_session_id_chat_sessions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_turns")),
    )
    op.create_index(
        "uq_chat_turns_open",
        "chat_turns",
        ["session_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued','running')"),
    )
    op.create_index(
        "ix_chat_turns_session", "chat_turns", ["session_id", sa.literal_column("created_at DESC")]
    )
    op.create_index("ix_chat_turns_answer", "chat_turns", ["answer_id"])
    op.create_index("ix_chat_turns_settled", "chat_turns", [sa.literal_column("settled_at DESC")])
    op.create_table(
        "chat_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("turn_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("upstream_id", sa.String(length=255), nullable=True),
        sa.Column("quote_usd", USD, nullable=False),
        sa.Column("cost_usd", USD, nullable=True),
        sa.Column("cost_source", sa.String(length=16), nullable=True),
        sa.Column("provider", sa.String(length=128), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("first_token_s", sa.Double(), nullable=True),
        sa.Column("total_s", sa.Double(), nullable=True),
        sa.Column("called_at", Instant, nullable=False),
        sa.CheckConstraint(
            "state IN ('held','called','answered','settled','unbilled')",
            name=op.f("ck_chat_calls_state"),
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["chat_turns.id"],
            name=op.f("fk_chat_calls_turn_id_chat_turns"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_calls")),
    )
    op.create_index("uq_chat_calls_turn", "chat_calls", ["turn_id", "number"], unique=True)


def downgrade() -> None:
    for table in ("chat_calls", "chat_turns", "chat_messages", "chat_sessions"):
        op.drop_table(table)
