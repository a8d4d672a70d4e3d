"""Keep a ledger of what models cost."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "7b1e4c2d9a01"
down_revision: str | None = "8d1c0a5e4b92"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

USD = sa.Numeric(precision=20, scale=12)

# Each of the three locks its pots by name, so that two callers who share pots wait for each
# other and never in a ring, and decides on what it sees once it has them all.

RESERVE = """
CREATE FUNCTION reserve_budget(
  p_request uuid, p_day date, p_pots text[], p_limits numeric[], p_usd numeric)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE full_pot text;
BEGIN
  INSERT INTO budget_pots (pot, day, limit_usd)
    SELECT given.pot, p_day, given.most FROM unnest(p_pots, p_limits) AS given (pot, most)
    ORDER BY given.pot ON CONFLICT DO NOTHING;
  PERFORM FROM budget_pots WHERE day = p_day AND pot = ANY (p_pots) ORDER BY pot FOR UPDATE;
  SELECT given.pot INTO full_pot
    FROM unnest(p_pots, p_limits) WITH ORDINALITY AS given (pot, most, place)
    JOIN budget_pots held ON held.pot = given.pot AND held.day = p_day
    WHERE held.reserved_usd + held.spent_usd + p_usd > given.most
    ORDER BY given.place LIMIT 1;
  IF FOUND THEN RETURN full_pot; END IF;
  UPDATE budget_pots SET reserved_usd = reserved_usd + p_usd, limit_usd = given.most
    FROM unnest(p_pots, p_limits) AS given (pot, most)
    WHERE budget_pots.day = p_day AND budget_pots.pot = given.pot;
  INSERT INTO budget_reservations (request_id, day, pots, amount_usd)
    VALUES (p_request, p_day, p_pots, p_usd);
  INSERT INTO ledger_entries (pot, day, request_id, kind, reserved_usd, spent_usd)
    SELECT pot, p_day, p_request, 'reserve', p_usd, 0 FROM unnest(p_pots) AS pot;
  RETURN NULL;
END
$$
"""

EXTEND = """
CREATE FUNCTION extend_budget(p_request uuid, p_usd numeric)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  held budget_reservations;
  more numeric;
  full_pot text;
BEGIN
  SELECT * INTO held FROM budget_reservations
    WHERE request_id = p_request AND state = 'open' FOR UPDATE;
  IF NOT FOUND THEN RETURN 'reservation'; END IF;
  more := p_usd - held.amount_usd;
  IF more <= 0 THEN RETURN NULL; END IF;
  PERFORM FROM budget_pots
    WHERE day = held.day AND pot = ANY (held.pots) ORDER BY pot FOR UPDATE;
  SELECT pot INTO full_pot FROM budget_pots
    WHERE day = held.day AND pot = ANY (held.pots)
      AND reserved_usd + spent_usd + more > limit_usd
    ORDER BY array_position(held.pots, pot) LIMIT 1;
  IF FOUND THEN
    UPDATE budget_pots SET refused_at = now()
      WHERE pot = full_pot AND day = held.day AND refused_at IS NULL;
    RETURN full_pot;
  END IF;
  UPDATE budget_pots SET reserved_usd = reserved_usd + more
    WHERE day = held.day AND pot = ANY (held.pots);
  UPDATE budget_reservations SET amount_usd = p_usd WHERE request_id = p_request;
  INSERT INTO ledger_entries (pot, day, request_id, kind, reserved_usd, spent_usd)
    SELECT pot, held.day, p_request, 'extend', more, 0 FROM unnest(held.pots) AS pot;
  RETURN NULL;
END
$$
"""

SETTLE = """
CREATE FUNCTION settle_budget(p_request uuid, p_usd numeric, p_kind text)
RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
  held budget_reservations;
  freed numeric;
  more numeric;
BEGIN
  SELECT * INTO held FROM budget_reservations WHERE request_id = p_request FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  freed := CASE WHEN held.state = 'open' THEN held.amount_usd ELSE 0 END;
  more := p_usd - held.spent_usd;
  -- Settled before: only what has become known since is booked.
  IF held.state <> 'open' AND more = 0 THEN RETURN held.amount_usd; END IF;
  PERFORM FROM budget_pots
    WHERE day = held.day AND pot = ANY (held.pots) ORDER BY pot FOR UPDATE;
  UPDATE budget_pots SET reserved_usd = reserved_usd - freed, spent_usd = spent_usd + more
    WHERE day = held.day AND pot = ANY (held.pots);
  UPDATE budget_reservations SET spent_usd = p_usd,
      state = CASE p_kind WHEN 'release' THEN 'released' ELSE 'settled' END
    WHERE request_id = p_request;
  INSERT INTO ledger_entries (pot, day, request_id, kind, reserved_usd, spent_usd)
    SELECT pot, held.day, p_request, p_kind, -freed, more FROM unnest(held.pots) AS pot;
  RETURN held.amount_usd;
END
$$
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_to_rewrite_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'restrict_violation';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "budget_pots",
        sa.Column("pot", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("limit_usd", USD, nullable=False),
        sa.Column("reserved_usd", USD, server_default=sa.text("0"), nullable=False),
        sa.Column("spent_usd", USD, server_default=sa.text("0"), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reserved_usd >= 0 AND spent_usd >= 0", name=op.f("ck_budget_pots_not_negative")
        ),
        sa.PrimaryKeyConstraint("pot", "day", name=op.f("pk_budget_pots")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_budget_pots_day", "budget_pots", ["day"])
    op.create_table(
        "budget_reservations",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pots", postgresql.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column("amount_usd", USD, nullable=False),
        sa.Column("spent_usd", USD, server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.String(length=16), server_default="open", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('open','settled','released')", name=op.f("ck_budget_reservations_state")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_budget_reservations")),
    )
    op.create_index(
        "ix_budget_reservations_open",
        "budget_reservations",
        ["created_at"],
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(
        "ix_budget_reservations_beyond",
        "budget_reservations",
        ["day"],
        postgresql_where=sa.text("spent_usd > amount_usd"),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("pot", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reserved_usd", USD, nullable=False),
        sa.Column("spent_usd", USD, nullable=False),
        sa.CheckConstraint(
            "kind IN ('reserve','extend','settle','release')", name=op.f("ck_ledger_entries_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_pot", "ledger_entries", ["pot", "day"])
    op.create_index("ix_ledger_entries_request", "ledger_entries", ["request_id"])
    op.create_table(
        "budget_alerts",
        sa.Column("pot", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("used_usd", USD, nullable=False),
        sa.Column("limit_usd", USD, nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("pot", "day", "level", "channel", name=op.f("pk_budget_alerts")),
    )
    for statement in (RESERVE, EXTEND, SETTLE, APPEND_ONLY):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ledger_entries"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_ledger()"
    )
    op.execute(
        "CREATE TRIGGER never_emptied BEFORE TRUNCATE ON ledger_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_ledger()"
    )


def downgrade() -> None:
    for table in ("budget_alerts", "ledger_entries", "budget_reservations", "budget_pots"):
        op.drop_table(table)
    for function in (
        "reserve_budget",
        "extend_budget",
        "settle_budget",
        "refuse_to_rewrite_ledger",
    ):
        op.execute(f"DROP FUNCTION {function}")
