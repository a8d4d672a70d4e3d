"""Limit feedback by network, and let a comment be 1,000 characters as a reader counts them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "8d1c0a5e4b92"
down_revision: str | None = "5d0c1f7ab3e2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("feedback", sa.Column("network", sa.String(length=64), nullable=True))
    op.create_index("ix_feedback_network", "feedback", ["network", "created_at"])
    op.alter_column("feedback", "comment", type_=sa.Text())


def downgrade() -> None:
    op.execute("UPDATE feedback SET comment = left(comment, 1000) WHERE length(comment) > 1000")
    op.alter_column("feedback", "comment", type_=sa.String(length=1000))
    op.drop_index("ix_feedback_network", table_name="feedback")
    op.drop_column("feedback", "network")
