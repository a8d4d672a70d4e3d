"""Keep a ledger of credits that were paid for."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c4ed17a0b001"
down_revision: str | None = "7b1e4c2d9a04"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# Whoever moves credits of one owner and product waits for the others who do, and decides on what
# they see once it is their turn. A lock on rows would not cover a grant that is just being made.

LOCK = """
CREATE FUNCTION lock_credits(p_owner uuid, p_product text)
RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('credits ' || p_owner || ' ' || p_product, 0))
$$
"""

NOTE = """
CREATE FUNCTION note_credits(p_checkout uuid, p_request uuid, p_kind text,
  p_granted int, p_held int, p_used int, p_revoked int)
RETURNS void LANGUAGE sql AS $$
  INSERT INTO credit_entries
      (owner_id, product, checkout_id, request_id, kind, granted, held, used, revoked)
    SELECT owner_id, product, checkout_id, p_request, p_kind,
      p_granted, p_held, p_used, p_revoked
    FROM credit_grants WHERE checkout_id = p_checkout
$$
"""

GRANT = """
CREATE FUNCTION grant_credits(p_owner uuid, p_product text, p_amount int, p_checkout uuid)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_credits(p_owner, p_product);
  INSERT INTO credit_grants (checkout_id, owner_id, product, granted)
    VALUES (p_checkout, p_owner, p_product, p_amount) ON CONFLICT DO NOTHING;
  IF FOUND THEN PERFORM note_credits(p_checkout, NULL, 'grant', p_amount, 0, 0, 0); END IF;
END
$$
"""

HOLD = """
CREATE FUNCTION hold_credit(p_owner uuid, p_product text, p_request uuid)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  known text;
  chosen uuid;
BEGIN
  PERFORM lock_credits(p_owner, p_product);
  SELECT state INTO known FROM credit_holds WHERE request_id = p_request;
  IF FOUND THEN RETURN known <> 'given_back'; END IF;
  SELECT checkout_id INTO chosen FROM credit_grants
    WHERE owner_id = p_owner AND product = p_product AND held + used + revoked < granted
    ORDER BY created_at, checkout_id LIMIT 1;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE credit_grants SET held = held + 1 WHERE checkout_id = chosen;
  INSERT INTO credit_holds (request_id, checkout_id) VALUES (p_request, chosen);
  PERFORM note_credits(chosen, p_request, 'hold', 0, 1, 0, 0);
  RETURN true;
END
$$
"""

CLOSE = """
CREATE FUNCTION close_credit(p_request uuid, p_kind text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  drawn credit_grants;
  known text;
  was_held int;
  was_used int;
  owes int;
BEGIN
  SELECT g.* INTO drawn FROM credit_grants g JOIN credit_holds h USING (checkout_id)
    WHERE h.request_id = p_request;
  IF NOT FOUND THEN RETURN; END IF;
  PERFORM lock_credits(drawn.owner_id, drawn.product);
  -- Its owner may have become another meanwhile, whose lock is not this one.
  PERFORM FROM credit_grants WHERE checkout_id = drawn.checkout_id FOR UPDATE;
  SELECT state INTO known FROM credit_holds WHERE request_id = p_request;
  IF p_kind = 'use' AND known = 'held' THEN
    UPDATE credit_holds SET state = 'used' WHERE request_id = p_request;
    UPDATE credit_grants SET held = held - 1, used = used + 1
      WHERE checkout_id = drawn.checkout_id;
    PERFORM note_credits(drawn.checkout_id, p_request, 'use', 0, -1, 1, 0);
  ELSIF p_kind = 'give_back' AND known <> 'given_back' THEN
    was_held := (known = 'held')::int;
    was_used := (known = 'used')::int;
    SELECT (revoked < owed)::int INTO owes FROM credit_grants
      WHERE checkout_id = drawn.checkout_id;
    UPDATE credit_holds SET state = 'given_back' WHERE request_id = p_request;
    -- What the checkout owes is taken in the same statement, so that nobody draws on it.
    UPDATE credit_grants SET held = held - was_held, used = used - was_used,
        revoked = revoked + owes
      WHERE checkout_id = drawn.checkout_id;
    PERFORM note_credits(drawn.checkout_id, p_request, 'give_back', 0, -was_held, -was_used, 0);
    IF owes > 0 THEN
      PERFORM note_credits(drawn.checkout_id, p_request, 'revoke', 0, 0, 0, 1);
    END IF;
  END IF;
END
$$
"""

OWE = """
CREATE FUNCTION owe_credits(p_checkout uuid, p_amount int)
RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  drawn credit_grants;
  more int;
BEGIN
  SELECT * INTO drawn FROM credit_grants WHERE checkout_id = p_checkout;
  IF NOT FOUND THEN RETURN 0; END IF;
  PERFORM lock_credits(drawn.owner_id, drawn.product);
  SELECT * INTO drawn FROM credit_grants WHERE checkout_id = p_checkout FOR UPDATE;
  drawn.owed := greatest(0, least(p_amount, drawn.granted));
  more := least(drawn.owed - drawn.revoked,
    drawn.granted - drawn.held - drawn.used - drawn.revoked);
  UPDATE credit_grants SET owed = drawn.owed, revoked = revoked + more
    WHERE checkout_id = p_checkout;
  IF more <> 0 THEN
    PERFORM note_credits(p_checkout, NULL,
      CASE WHEN more > 0 THEN 'revoke' ELSE 'restore' END, 0, 0, 0, more);
  END IF;
  RETURN drawn.revoked + more;
END
$$
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_to_rewrite_credits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'credit_entries is append-only' USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "credit_grants",
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("used", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("revoked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("owed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "granted > 0 AND held >= 0 AND used >= 0", name=op.f("ck_credit_grants_not_negative")
        ),
        sa.CheckConstraint(
            "held + used + revoked <= granted", name=op.f("ck_credit_grants_not_overdrawn")
        ),
        sa.CheckConstraint(
            "0 <= revoked AND revoked <= owed AND owed <= granted"
            " AND (revoked = owed OR held + used + revoked = granted)",
            name=op.f("ck_credit_grants_owed_comes_first"),
        ),
        sa.PrimaryKeyConstraint("checkout_id", name=op.f("pk_credit_grants")),
    )
    op.create_index(
        "ix_credit_grants_owner", "credit_grants", ["owner_id", "product", "created_at"]
    )
    op.create_table(
        "credit_holds",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="held", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('held','used','given_back')", name=op.f("ck_credit_holds_state")
        ),
        sa.ForeignKeyConstraint(
            ["checkout_id"],
            ["credit_grants.checkout_id"],
            name=op.f("fk_credit_holds_checkout_id_credit_grants"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_credit_holds")),
    )
    op.create_index(
        "ix_credit_holds_held",
        "credit_holds",
        ["created_at"],
        postgresql_where=sa.text("state = 'held'"),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.String(length=32), nullable=False),
        sa.Column("checkout_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('grant','hold','use','give_back','revoke','restore')",
            name=op.f("ck_credit_entries_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_entries")),
    )
    op.create_index("ix_credit_entries_checkout", "credit_entries", ["checkout_id", "id"])
    for statement in (LOCK, NOTE, GRANT, HOLD, CLOSE, OWE, APPEND_ONLY):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON credit_entries"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_credits()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON credit_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_credits()"
    )


def downgrade() -> None:
    for function in (
        "grant_credits",
        "hold_credit",
        "close_credit",
        "owe_credits",
        "note_credits",
        "lock_credits",
    ):
        op.execute(f"DROP FUNCTION {function}")
    for table in ("credit_entries", "credit_holds", "credit_grants"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_to_rewrite_credits")
