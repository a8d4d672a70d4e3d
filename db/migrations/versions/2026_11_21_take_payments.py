"""Take payments: checkouts, Stripe's events, and a ledger of the money that moved."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "c41e7d20b6a5"
down_revision: str | None = "c4ed17a0b001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

APPEND_ONLY = """
CREATE FUNCTION refuse_to_rewrite_payments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'payment_entries is append-only' USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "checkouts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("offer", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=1000), nullable=True),
        sa.Column("model", sa.String(length=255), nullable=True),
        sa.Column("wished", sa.Boolean(), nullable=False),
        sa.Column("generation_request_id", sa.Uuid(), nullable=True),
        sa.Column("wish_given_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=16), server_default="open", nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(length=4000), nullable=True),
        sa.Column("payment_intent", sa.String(length=255), nullable=True),
        sa.Column("paid", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("disputed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("revoked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("look", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
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
        sa.CheckConstraint(
            "status IN ('open','processing','paid','failed','expired','refunded','disputed')",
            name=op.f("ck_checkouts_status"),
        ),
        sa.CheckConstraint("amount > 0 AND credits > 0", name=op.f("ck_checkouts_worth_something")),
        sa.CheckConstraint(
            "paid >= 0 AND refunded >= 0 AND disputed >= 0", name=op.f("ck_checkouts_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkouts")),
        sa.UniqueConstraint("session_id", name=op.f("uq_checkouts_session_id")),
    )
    op.create_index(
        "uq_checkouts_open",
        "checkouts",
        ["owner_id", "offer"],
        unique=True,
        postgresql_where=sa.text("status = 'open'"),
    )
    op.create_index("ix_checkouts_owner", "checkouts", ["owner_id", sa.text("created_at DESC")])
    op.create_index("ix_checkouts_payment_intent", "checkouts", ["payment_intent"])
    op.create_index(
        "ix_checkouts_unfinished",
        "checkouts",
        ["created_at"],
        postgresql_where=sa.text("status IN ('open','processing')"),
    )
    op.create_index("ix_checkouts_paid_at", "checkouts", ["paid_at"])
    op.create_table(
        "stripe_events",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=128), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=True),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stripe_events")),
    )
    op.create_index("ix_stripe_events_created", "stripe_events", ["created"])
    op.create_table(
        "payment_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint(
            "kind IN ('charged','uncharged','refunded','refund_failed','disputed','reinstated')",
            name=op.f("ck_payment_entries_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["checkout_id"],
            ["checkouts.id"],
            name=op.f("fk_payment_entries_checkout_id_checkouts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_entries")),
    )
    op.create_index("ix_payment_entries_checkout", "payment_entries", ["checkout_id"])
    op.execute("CREATE SEQUENCE checkout_looks")
    op.execute(APPEND_ONLY)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON payment_entries"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_payments()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON payment_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_payments()"
    )


def downgrade() -> None:
    for table in ("payment_entries", "stripe_events", "checkouts"):
        op.drop_table(table)
    op.execute("DROP SEQUENCE checkout_looks")
    op.execute("DROP FUNCTION refuse_to_rewrite_payments")
