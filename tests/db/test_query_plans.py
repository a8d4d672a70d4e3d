"""At 20,000 factoids every order walks its index: nothing reads a whole table."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

from db.repositories.factoids import (
    PageShape,
    fact_of_day_statement,
    factoid_statement,
    page_statement,
)
from db.repositories.vault import Strategy, unseen_statement

ROWS = 20_000

FILL = """
INSERT INTO factoids (text, text_key, subject, emoji, category, origin, model, created_at)
SELECT t, t, 'Number ' || n, '🪐', (ARRAY['space','animals','plants','ocean','earth','body',
    'mind','medicine','food','history'])[1 + n % 10], 'seed',
  CASE WHEN n % 4 = 0 THEN 'openai/gpt-4o-mini' END, now() - n * interval '20 minutes'
FROM (SELECT n, 'fact ' || n || ' tells of the ' || to_char(n, 'FMRN') || ' ' || md5(n::text) AS t
  FROM generate_series(1, $1::int) n) numbered;
"""
TALLY = """
INSERT INTO tallies (factoid_id, published_at, votes_up, votes_down, hot_rank)
SELECT id, created_at, ('x' || substr(md5(text), 1, 2))::bit(8)::int % 40,
  ('x' || substr(md5(text), 3, 2))::bit(8)::int % 15,
  hot_rank(('x' || substr(md5(text), 1, 2))::bit(8)::int % 40, 3, created_at, now())
FROM factoids;
"""

AFTER = {
    "new": {"after_key": "created_at"},
    "top": {"after_key": 0.4},
    "hot": {"after_key": 0.01},
    "controversial": {"after_key": 4.0},
    "random": {"after_key": 0.5},
}


ASKED: list[dict[str, bool]] = [
    {},
    {"after": True},
    {"category": True},
    {"category": True, "after": True},
    {"model": True, "voter": True},
    {"since": True, "voter": True},
]
"""What may be asked of every order."""


async def test_no_page_reads_a_whole_table(database):
    async with database.engine.begin() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw
        await raw.execute(FILL.replace("$1", str(ROWS)))
        await raw.execute(TALLY)
    async with database.engine.connect() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw
        await raw.execute("ANALYZE factoids")
        await raw.execute("ANALYZE tallies")
    middle = await database.reads.fetchval(
        "SELECT created_at FROM factoids ORDER BY created_at LIMIT 1 OFFSET $1", ROWS // 2
    )
    values: dict[str, Any] = {
        "category": "ocean",
        "model": "openai/gpt-4o-mini",
        "since": middle,
        "voter": uuid4(),
        "query": "fact & 1234:*",
        "start": 0.3,
        "after_id": UUID(int=2**127),
    }
    shapes: list[tuple[PageShape, dict[str, Any]]] = []
    for order, after in AFTER.items():
        key = middle if order == "new" else after["after_key"]
        shapes += [(PageShape(order=order, limit=21, **more), {"after_key": key}) for more in ASKED]
    shapes += [
        (PageShape(order="random", limit=21, after=True, wrapped=True), {"after_key": 0.0}),
        (PageShape(order="relevance", limit=21, search=True, voter=True), {}),
        (PageShape(order="new", limit=21, search=True), {}),
        (PageShape(order="similar", limit=21), {"query": "xxcmvii"}),
    ]
    for shape, own in shapes:
        statement = page_statement(shape)
        arguments = statement.arguments({**values, **own})
        await check(database.reads, statement.sql, arguments, shape)
    for statement, own in (
        (factoid_statement(True), {"id": uuid4()}),
        (fact_of_day_statement(), {"midnight": middle, "at": 0.4}),
    ):
        await check(database.reads, statement.sql, statement.arguments({**values, **own}), own)
    seen = {"caller": uuid4(), "seen": [uuid4()]}
    strategies: dict[Strategy, dict[str, Any]] = {
        "search": {"query": "fact & 1234"},
        "similar": {"query": "xxcmvii"},
        "category": {"categories": ["ocean", "space"]},
        "from": {"start": 0.4},
        "below": {"start": 0.4},
    }
    for strategy, own in strategies.items():
        statement = unseen_statement(strategy)
        await check(database.reads, statement.sql, statement.arguments(seen | own), strategy)


async def check(pool: Any, sql: str, arguments: list[Any], what: object) -> None:
    plan = json.loads(await pool.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *arguments))[0]["Plan"]
    nodes = [(node["Node Type"], node.get("Relation Name")) for node in walk(plan)]
    # Nobody has voted or asked: reading an empty table is the quickest there is.
    empty = {"votes", "generation_requests"}
    whole = [relation for kind, relation in nodes if kind == "Seq Scan" and relation not in empty]
    assert not whole, (what, nodes)
    assert any("Index" in kind for kind, _ in nodes), (what, nodes)


def walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from walk(inner)
