"""Rename columns to standard terms, and create SQL functions from their files.

Every statement changes the catalogue alone: no row is rewritten. Code from before this migration
does not run after it; docs/adr/0020 says why that is allowed once.
"""

from collections.abc import Sequence
from importlib import import_module

from alembic import op

from db.migrations.functions import create_functions

revision: str = "e2f90a6b7c11"
down_revision: str | None = "c4a7d1e90b21"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = (
    ("anomalies", "noticed_at", "detected_at"),
    ("anomalies", "seen", "observed"),
    ("api_keys", "previous_seal", "previous_key_hash"),
    ("api_keys", "previous_until", "previous_key_expires_at"),
    ("api_keys", "seal", "key_hash"),
    ("api_keys", "windows", "rate_limit"),
    ("budget_alerts", "noticed_at", "detected_at"),
    ("budget_alerts", "told_at", "sent_at"),
    ("budget_alerts", "tried_at", "claimed_at"),
    ("chat_sessions", "model_asked", "model_pinned"),
    ("chat_turns", "cancel_asked_at", "cancel_requested_at"),
    ("checkouts", "look", "snapshot_seq"),
    ("checkouts", "looked_at", "polled_at"),
    ("checkouts", "offer", "offer_hash"),
    ("checkouts", "wish_given_up_at", "generation_abandoned_at"),
    ("checkouts", "wished", "generate_on_payment"),
    ("generation_requests", "cancel_asked_at", "cancel_requested_at"),
    ("generation_requests", "model_asked", "model_pinned"),
    ("idempotency_keys", "held_until", "locked_until"),
    ("idempotency_keys", "holder", "locked_by"),
    ("outbox", "offers", "attempts"),
)

INDEXES = (
    ("ix_anomalies_noticed_at", "ix_anomalies_detected_at"),
    ("ix_budget_reservations_beyond", "ix_budget_reservations_overspent"),
    ("ix_signed_out_at", "ix_signed_out_visitors_at"),
    ("ix_signed_out_network", "ix_signed_out_visitors_network"),
)

CONSTRAINTS = (
    ("checkouts", "ck_checkouts_worth_something", "ck_checkouts_positive"),
    ("signed_out_visitors", "pk_signed_out", "pk_signed_out_visitors"),
)

FUNCTIONS = (
    *("cast_vote", "hot_rank"),
    *("reserve_budget", "extend_budget", "settle_budget"),
    *("lock_credits", "record_credit_entry", "grant_credits", "hold_credit"),
    *("close_credit_hold", "set_credits_owed"),
    "refuse_rewrite",
)

APPEND_ONLY = {
    "ledger_entries": "refuse_to_rewrite_ledger",
    "credit_entries": "refuse_to_rewrite_credits",
    "payment_entries": "refuse_to_rewrite_payments",
}
"""The tables, each with the function that guarded it before."""

BEFORE = {
    "2026_11_20_create_factoids": {"hot_rank": "HOT_RANK", "cast_vote": "CAST_VOTE"},
    "2026_11_21_keep_a_ledger": {
        "reserve_budget": "RESERVE",
        "extend_budget": "EXTEND",
        "settle_budget": "SETTLE",
        "refuse_to_rewrite_ledger": "APPEND_ONLY",
    },
    "2026_11_21_keep_credits": {
        "lock_credits": "LOCK",
        "note_credits": "NOTE",
        "grant_credits": "GRANT",
        "hold_credit": "HOLD",
        "close_credit": "CLOSE",
        "owe_credits": "OWE",
        "refuse_to_rewrite_credits": "APPEND_ONLY",
    },
    "2026_11_21_take_payments": {"refuse_to_rewrite_payments": "APPEND_ONLY"},
}
"""The functions so far, and the constant of the migration that holds the text of each."""


def upgrade() -> None:
    op.rename_table("signed_out", "signed_out_visitors")
    for table, old, new in COLUMNS:
        op.alter_column(table, old, new_column_name=new)
    for old, new in INDEXES:
        op.execute(f"ALTER INDEX {old} RENAME TO {new}")
    for table, old, new in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {old} TO {new}")
    op.execute("ALTER SEQUENCE checkout_looks RENAME TO checkout_snapshot_seq")
    for table in APPEND_ONLY:
        drop_triggers(table, "append_only", "never_emptied")
    drop_functions(*(name for names in BEFORE.values() for name in names))
    create_functions(*FUNCTIONS)
    for table in APPEND_ONLY:
        create_triggers(table, "refuse_rewrite", "no_update_or_delete", "no_truncate")


def downgrade() -> None:
    for table in APPEND_ONLY:
        drop_triggers(table, "no_update_or_delete", "no_truncate")
    drop_functions(*FUNCTIONS)
    for module, names in BEFORE.items():
        texts = import_module(f"db.migrations.versions.{module}")
        for constant in names.values():
            op.execute(getattr(texts, constant))
    for table, function in APPEND_ONLY.items():
        create_triggers(table, function, "append_only", "never_emptied")
    op.execute("ALTER SEQUENCE checkout_snapshot_seq RENAME TO checkout_looks")
    for table, old, new in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT {new} TO {old}")
    for old, new in INDEXES:
        op.execute(f"ALTER INDEX {new} RENAME TO {old}")
    for table, old, new in COLUMNS:
        op.alter_column(table, new, new_column_name=old)
    op.rename_table("signed_out_visitors", "signed_out")


def drop_functions(*names: str) -> None:
    for name in names:
        op.execute(f"DROP FUNCTION {name}")


def drop_triggers(table: str, *names: str) -> None:
    for name in names:
        op.execute(f"DROP TRIGGER {name} ON {table}")


def create_triggers(table: str, function: str, on_rows: str, on_truncate: str) -> None:
    op.execute(
        f"CREATE TRIGGER {on_rows} BEFORE UPDATE OR DELETE ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {function}()"
    )
    op.execute(
        f"CREATE TRIGGER {on_truncate} BEFORE TRUNCATE ON {table}"
        f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
    )
