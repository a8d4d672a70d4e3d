"""Keep counts of what limits admitted and refused."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "7b1e4c2d9a04"
down_revision: str | None = "7b1e4c2d9a03"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "rate_limit_snapshots",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("policy", sa.String(length=32), nullable=False),
        sa.Column("caller_kind", sa.String(length=16), nullable=False),
        sa.Column("window", sa.String(length=16), nullable=False),
        sa.Column("admitted", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("refused_by_network", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "minute", "policy", "caller_kind", "window", name=op.f("pk_rate_limit_snapshots")
        ),
    )
    op.create_table(
        "anomalies",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anomalies")),
        sa.UniqueConstraint("kind", "subject", "noticed_at", name=op.f("uq_anomalies_kind")),
    )
    op.create_index(op.f("ix_anomalies_noticed_at"), "anomalies", ["noticed_at"])
    op.create_table(
        "fallback_uses",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column(
            "used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fallback_uses")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_fallback_uses_subject", "fallback_uses", ["subject", "used_at"])
    # Only limits asked for these, which now count elsewhere.
    op.drop_index("ix_generation_requests_network", table_name="generation_requests")
    op.drop_index("ix_feedback_network", table_name="feedback")
    op.drop_index("ix_feedback_caller", table_name="feedback")


def downgrade() -> None:
    op.create_index("ix_feedback_caller", "feedback", ["caller_id", "created_at"])
    op.create_index("ix_feedback_network", "feedback", ["network", "created_at"])
    op.create_index(
        "ix_generation_requests_network",
        "generation_requests",
        ["network", sa.text("created_at DESC")],
    )
    op.drop_table("fallback_uses")
    op.drop_table("anomalies")
    op.drop_table("rate_limit_snapshots")
