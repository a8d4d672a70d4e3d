"""Write the keys of factoids anew, with combining marks as parts of words, and index the words of
all scripts for the search.

Rows are written in batches of their own, and the index is built concurrently: readers and writers
go on meanwhile. A migration that was interrupted can be run again. Where two factoids would have
the same key now, one keeps the key it has: no published factoid is removed.
"""

import unicodedata
from collections.abc import Iterable, Sequence

import regex
import sqlalchemy as sa
from alembic import op

revision: str = "5b1f0c83ad27"
down_revision: str | None = "7a3b90c5d1e4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BATCH = 1_000
WINDOW = 8

NOT_A_WORD = regex.compile(r"(?:[^\p{L}\p{N}\p{M}]|(?<![\p{L}\p{N}\p{M}])\p{M}+)+")
OPTIONAL = regex.compile(
    r"[\u200c\u200d\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06ed\ufe00-\ufe0f\u20e3]"
    r"|[\U000e0100-\U000e01ef]"
    r"|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]|(?<=i)\u0307"
)
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc]"
SPACE_WITHIN = regex.compile(f"(?<={UNSPACED}) (?={UNSPACED})")
RUN = regex.compile(rf"({UNSPACED}(?:{UNSPACED}|\p{{M}})*)")
MARK = regex.compile(r"\p{M}")

NEXT = sa.text(
    "SELECT id, text, subject FROM factoids WHERE id > :after"
    " AND (octet_length(text) > char_length(text) OR octet_length(subject) > char_length(subject))"
    f" ORDER BY id LIMIT {BATCH}"
)
"""Rows with letters beyond ASCII; the keys of others are right, and Postgres splits their words."""

WRITE = sa.text(
    "UPDATE factoids SET search_terms = :terms, text_key = CASE WHEN EXISTS (SELECT FROM factoids"
    " other WHERE other.text_key = :key AND other.id <> :id) THEN text_key ELSE :key END"
    " WHERE id = :id"
)


def upgrade() -> None:
    op.execute(
        "ALTER TABLE factoids ADD COLUMN IF NOT EXISTS search_terms text NOT NULL DEFAULT ''"
    )
    with op.get_context().autocommit_block():
        write_rows()
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_factoids_searched")
        op.execute(
            "CREATE INDEX CONCURRENTLY ix_factoids_searched ON factoids"
            " USING gin ((search || to_tsvector('english'::regconfig, search_terms)))"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_factoids_search")


def downgrade() -> None:
    op.create_index("ix_factoids_search", "factoids", ["search"], postgresql_using="gin")
    op.drop_index("ix_factoids_searched", table_name="factoids")
    op.drop_column("factoids", "search_terms")


def write_rows() -> None:
    connection = op.get_bind()
    after = "00000000-0000-0000-0000-000000000000"
    while rows := connection.execute(NEXT, {"after": after}).all():
        values = [
            {"id": row.id, "key": key_of(row.text), "terms": search_terms(row.subject, row.text)}
            for row in rows
        ]
        connection.execute(WRITE, values)
        after = str(rows[-1].id)


def folded(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    if not text.isascii():
        text = OPTIONAL.sub("", unicodedata.normalize("NFKC", text)).replace("ı", "i")
    return NOT_A_WORD.sub(" ", text).strip()


def key_of(text: str) -> str:
    return SPACE_WITHIN.sub("", folded(text))


def search_terms(*texts: str) -> str:
    found: set[str] = set()
    for text in texts:
        for word in {*folded(text).split(), *folded(text.replace("\u200c", " ")).split()}:
            if not word.isascii():
                found |= set(pieces(word))
    return " ".join(sorted(found))


def pieces(word: str) -> Iterable[str]:
    for place, part in enumerate(RUN.split(word)):
        if part.isascii():
            yield from [part] if part else []
        elif place % 2:
            starts = (start for start in range(len(part)) if not MARK.match(part, start))
            yield from (lexeme(part[start : start + WINDOW]) for start in starts)
        else:
            yield lexeme(part)


def lexeme(word: str) -> str:
    return f"x0{word.encode().hex()}"
