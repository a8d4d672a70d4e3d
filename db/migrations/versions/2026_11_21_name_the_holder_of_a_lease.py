"""Name the holder of a lease."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "5d0c1f7ab3e2"
down_revision: str | None = "37efc7cb0dd7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("generation_requests", sa.Column("lease_holder", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("generation_requests", "lease_holder")
