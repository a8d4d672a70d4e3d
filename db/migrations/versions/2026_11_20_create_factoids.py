"""Create factoids, votes, generations and the outbox."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "37efc7cb0dd7"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

HOT_RANK = """
CREATE FUNCTION hot_rank(votes_up int, votes_down int, published_at timestamptz, at timestamptz)
RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN at - published_at >= interval '7 days' OR published_at > at + interval '1 minute' THEN 0
    ELSE log(greatest(2, votes_up - votes_down + 2)::double precision)
      / power(greatest(0, extract(epoch FROM at - published_at)) / 3600 + 2, 1.8)
  END
$$
"""

CAST_VOTE = """
CREATE FUNCTION cast_vote(p_factoid uuid, p_voter uuid, p_value smallint)
RETURNS TABLE (up int, down int) LANGUAGE plpgsql AS $$
DECLARE previous smallint := 0;
BEGIN
  PERFORM FROM tallies WHERE factoid_id = p_factoid;
  IF NOT FOUND THEN RETURN; END IF;
  INSERT INTO votes (factoid_id, voter_id, value) VALUES (p_factoid, p_voter, p_value)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    SELECT value INTO previous FROM votes
      WHERE factoid_id = p_factoid AND voter_id = p_voter FOR UPDATE;
    IF previous = p_value THEN
      RETURN QUERY SELECT votes_up, votes_down FROM tallies WHERE factoid_id = p_factoid;
      RETURN;
    END IF;
    UPDATE votes SET value = p_value, cast_at = now()
      WHERE factoid_id = p_factoid AND voter_id = p_voter;
  END IF;
  -- The busy row comes last, so that it is locked for as short as can be.
  RETURN QUERY UPDATE tallies SET
      votes_up = votes_up + (p_value = 1)::int - (previous = 1)::int,
      votes_down = votes_down + (p_value = -1)::int - (previous = -1)::int,
      hot_rank = hot_rank(
        votes_up + (p_value = 1)::int - (previous = 1)::int,
        votes_down + (p_value = -1)::int - (previous = -1)::int, published_at, now())
    WHERE factoid_id = p_factoid RETURNING votes_up, votes_down;
END
$$
"""


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "factoids",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("text", sa.String(length=4000), nullable=False),
        sa.Column("text_key", sa.String(length=4000), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("emoji", sa.String(length=32), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=255), nullable=True),
        sa.Column("source_url", sa.String(length=500), nullable=True),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("generation_s", sa.Double(), nullable=True),
        sa.Column("shuffle_key", sa.Double(), server_default=sa.text("random()"), nullable=False),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('english', subject), 'A') || setweight(to_tsvector('english', text), 'B')",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factoids")),
        sa.UniqueConstraint("text_key", name=op.f("uq_factoids_text_key")),
    )
    op.create_index(
        "ix_factoids_category",
        "factoids",
        ["category", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_factoids_model",
        "factoids",
        ["model", sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_factoids_newest",
        "factoids",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_factoids_search", "factoids", ["search"], unique=False, postgresql_using="gin"
    )
    op.create_index("ix_factoids_shuffle", "factoids", ["shuffle_key", "id"], unique=False)
    op.create_index(
        "ix_factoids_similar",
        "factoids",
        ["text_key"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"text_key": "gin_trgm_ops"},
    )
    op.create_table(
        "language_models",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("prompt_usd", sa.Numeric(precision=20, scale=14), nullable=False),
        sa.Column("completion_usd", sa.Numeric(precision=20, scale=14), nullable=False),
        sa.Column("request_usd", sa.Numeric(precision=20, scale=14), nullable=False),
        sa.Column("context_tokens", sa.Integer(), nullable=True),
        sa.Column("parameters", postgresql.ARRAY(sa.String(length=64)), nullable=False),
        sa.Column("fetched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_language_models")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("offers", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
    )
    op.create_index(op.f("ix_outbox_due_at"), "outbox", ["due_at"], unique=False)
    op.create_table(
        "feedback",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("factoid_id", sa.Uuid(), nullable=False),
        sa.Column("visitor_id", sa.Uuid(), nullable=False),
        sa.Column("vote", sa.SmallInteger(), nullable=True),
        sa.Column("comment", sa.String(length=1000), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.String(length=32)), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["factoid_id"],
            ["factoids.id"],
            name=op.f("fk_feedback_factoid_id_factoids"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index(op.f("ix_feedback_factoid_id"), "feedback", ["factoid_id"], unique=False)
    op.create_index("ix_feedback_visitor", "feedback", ["visitor_id", "created_at"], unique=False)
    op.create_table(
        "generation_requests",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("visitor_id", sa.Uuid(), nullable=True),
        sa.Column("network", sa.String(length=64), nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("topic", sa.String(length=1000), nullable=True),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("model_asked", sa.Boolean(), nullable=False),
        sa.Column("temperature", sa.Double(), nullable=True),
        sa.Column("prompt_version", sa.String(length=16), nullable=False),
        sa.Column("quote_usd", sa.Numeric(precision=20, scale=12), nullable=False),
        sa.Column("status", sa.String(length=16), server_default="queued", nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("factoid_id", sa.Uuid(), nullable=True),
        sa.Column("problem_code", sa.String(length=64), nullable=True),
        sa.Column("problem_detail", sa.String(length=500), nullable=True),
        sa.Column(
            "allowance_returned", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("cost_source", sa.String(length=16), nullable=True),
        sa.Column("provider", sa.String(length=128), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("first_token_s", sa.Double(), nullable=True),
        sa.Column("total_s", sa.Double(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('queued','running','succeeded','failed','cancelled','refused')",
            name=op.f("ck_generation_requests_status"),
        ),
        sa.ForeignKeyConstraint(
            ["factoid_id"],
            ["factoids.id"],
            name=op.f("fk_generation_requests_factoid_id_factoids"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generation_requests")),
    )
    op.create_index(
        "ix_generation_requests_network",
        "generation_requests",
        ["network", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_generation_requests_visitor",
        "generation_requests",
        ["visitor_id", sa.literal_column("created_at DESC")],
        unique=False,
    )
    op.create_index(
        "uq_generation_requests_slot",
        "generation_requests",
        ["slot"],
        unique=True,
        postgresql_where=sa.text("status IN ('queued','running','succeeded')"),
    )
    op.create_table(
        "tallies",
        sa.Column("factoid_id", sa.Uuid(), nullable=False),
        sa.Column("votes_up", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("votes_down", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "top_rank",
            sa.Double(),
            sa.Computed(
                "\nCASE WHEN votes_up + votes_down = 0 THEN 0 ELSE\n  (votes_up::double precision / (votes_up + votes_down)::double precision + 0.82124928 / (votes_up + votes_down)::double precision\n    - 1.2816 * sqrt((votes_up::double precision / (votes_up + votes_down)::double precision * (1 - votes_up::double precision / (votes_up + votes_down)::double precision) + 0.41062464 / (votes_up + votes_down)::double precision) / (votes_up + votes_down)::double precision))\n  / (1 + 1.64249856 / (votes_up + votes_down)::double precision)\nEND",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "controversy_rank",
            sa.Double(),
            sa.Computed(
                "CASE WHEN votes_up = 0 OR votes_down = 0 THEN 0 ELSE power(votes_up + votes_down, least(votes_up, votes_down)::double precision / greatest(votes_up, votes_down)) END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("hot_rank", sa.Double(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "votes_up >= 0 AND votes_down >= 0", name=op.f("ck_tallies_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["factoid_id"],
            ["factoids.id"],
            name=op.f("fk_tallies_factoid_id_factoids"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("factoid_id", name=op.f("pk_tallies")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(
        "ix_tallies_controversial",
        "tallies",
        [sa.literal_column("controversy_rank DESC"), sa.literal_column("factoid_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_tallies_hot",
        "tallies",
        [sa.literal_column("hot_rank DESC"), sa.literal_column("factoid_id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_tallies_top",
        "tallies",
        [sa.literal_column("top_rank DESC"), sa.literal_column("factoid_id DESC")],
        unique=False,
    )
    op.create_table(
        "votes",
        sa.Column("factoid_id", sa.Uuid(), nullable=False),
        sa.Column("voter_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.SmallInteger(), nullable=False),
        sa.Column(
            "cast_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("value IN (-1, 0, 1)", name=op.f("ck_votes_value")),
        sa.ForeignKeyConstraint(
            ["factoid_id"],
            ["factoids.id"],
            name=op.f("fk_votes_factoid_id_factoids"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("factoid_id", "voter_id", name=op.f("pk_votes")),
    )
    op.create_table(
        "model_calls",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("upstream_id", sa.String(length=255), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("quote_usd", sa.Numeric(precision=20, scale=12), nullable=False),
        sa.Column("cost_usd", sa.Numeric(precision=20, scale=12), nullable=True),
        sa.Column("cost_source", sa.String(length=16), nullable=True),
        sa.Column("provider", sa.String(length=128), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("first_token_s", sa.Double(), nullable=True),
        sa.Column("total_s", sa.Double(), nullable=True),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('called','answered','settled','unbilled')", name=op.f("ck_model_calls_state")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["generation_requests.id"],
            name=op.f("fk_model_calls_request_id_generation_requests"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_model_calls")),
    )
    op.execute(HOT_RANK)
    op.execute(CAST_VOTE)


def downgrade() -> None:
    op.execute("DROP FUNCTION cast_vote")
    op.execute("DROP FUNCTION hot_rank")
    op.drop_table("model_calls")
    op.drop_table("votes")
    op.drop_index("ix_tallies_top", table_name="tallies")
    op.drop_index("ix_tallies_hot", table_name="tallies")
    op.drop_index("ix_tallies_controversial", table_name="tallies")
    op.drop_table("tallies")
    op.drop_index(
        "uq_generation_requests_slot",
        table_name="generation_requests",
        postgresql_where=sa.text("status IN ('queued','running','succeeded')"),
    )
    op.drop_index("ix_generation_requests_visitor", table_name="generation_requests")
    op.drop_index("ix_generation_requests_network", table_name="generation_requests")
    op.drop_table("generation_requests")
    op.drop_index("ix_feedback_visitor", table_name="feedback")
    op.drop_index(op.f("ix_feedback_factoid_id"), table_name="feedback")
    op.drop_table("feedback")
    op.drop_index(op.f("ix_outbox_due_at"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("language_models")
    op.drop_index(
        "ix_factoids_similar",
        table_name="factoids",
        postgresql_using="gin",
        postgresql_ops={"text_key": "gin_trgm_ops"},
    )
    op.drop_index("ix_factoids_shuffle", table_name="factoids")
    op.drop_index("ix_factoids_search", table_name="factoids", postgresql_using="gin")
    op.drop_index("ix_factoids_newest", table_name="factoids")
    op.drop_index("ix_factoids_model", table_name="factoids")
    op.drop_index("ix_factoids_category", table_name="factoids")
    op.drop_table("factoids")
