"""Know callers: API keys, revoked identities."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "7b1e4c2d9a02"
down_revision: str | None = "7b1e4c2d9a01"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for table in ("generation_requests", "feedback"):
        op.alter_column(table, "visitor_id", new_column_name="caller_id")
        op.execute(f"ALTER INDEX ix_{table}_visitor RENAME TO ix_{table}_caller")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.String(length=16)), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("previous_seal", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("windows", sa.String(length=200), nullable=True),
        sa.Column("budget_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index("ix_api_keys_owner", "api_keys", ["owner_id", "created_at"])
    op.create_index("ix_api_keys_network", "api_keys", ["network", "created_at"])
    op.create_index("ix_api_keys_changed", "api_keys", ["changed_at"])
    op.create_table(
        "signed_out",
        sa.Column("visitor_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column(
            "signed_out_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("visitor_id", name=op.f("pk_signed_out")),
    )
    op.create_index("ix_signed_out_at", "signed_out", ["signed_out_at"])
    op.create_index("ix_signed_out_network", "signed_out", ["network", "signed_out_at"])


def downgrade() -> None:
    op.drop_table("signed_out")
    op.drop_table("api_keys")
    for table in ("feedback", "generation_requests"):
        op.execute(f"ALTER INDEX ix_{table}_caller RENAME TO ix_{table}_visitor")
        op.alter_column(table, "caller_id", new_column_name="visitor_id")
