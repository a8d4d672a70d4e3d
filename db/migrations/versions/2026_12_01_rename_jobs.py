"""Rename two jobs in the outbox."""

from collections.abc import Sequence

from alembic import op

revision: str = "7a3b90c5d1e4"
down_revision: str | None = "e2f90a6b7c11"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

RENAMED = [
    ("tell_of_checkout", "capture_checkout_event", "tell:", "checkout-event:"),
    ("begin_wished_generation", "begin_post_purchase_generation", "wish:", "post-purchase:"),
]
"""Job and beginning of its key: old and new."""


def upgrade() -> None:
    for old_job, new_job, old_key, new_key in RENAMED:
        rename(old_job, new_job, old_key, new_key)


def downgrade() -> None:
    for old_job, new_job, old_key, new_key in RENAMED:
        rename(new_job, old_job, new_key, old_key)


def rename(job: str, to: str, key: str, to_key: str) -> None:
    op.execute(
        f"UPDATE outbox SET job = '{to}', key = replace(key, '{key}', '{to_key}')"
        f" WHERE job = '{job}'"
    )
