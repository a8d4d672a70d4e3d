"""The feed: its orders, filters, cursors and headers."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import httpx
import pytest
from litestar import Litestar

from db.repositories.accounts import CHANGED

SORTS = ["new", "top", "hot", "controversial", "random"]


@pytest.fixture
async def statements(app: Litestar, database) -> AsyncGenerator[list[str]]:
    """All SQL that requests run on the connections of the hot reads.

    The refresh of the credential cache, every two seconds, is left out: no request runs it.
    """
    seen: list[str] = []

    def note(record: Any) -> None:
        if "clock_timestamp()" not in record.query and record.query != CHANGED:
            seen.append(record.query)

    reads = app.state.services.database.reads
    # All of them, also one on which the credential cache is being refreshed.
    free = [
        reads._free.pop() if reads._free else await reads._next_free()
        for _ in range(reads._pool.get_max_size())
    ]
    held = [one or await reads._pool.acquire() for one in free]
    connections = [one._con for one in held]
    for connection in connections:
        connection.add_query_logger(note)
    for connection in held:
        reads._hand_over(connection)
    yield seen
    for connection in connections:
        connection.remove_query_logger(note)


async def told() -> None:
    """The connections say what they ran one turn of the loop later."""
    await asyncio.sleep(0)


async def pages(client: httpx.AsyncClient, address: str) -> AsyncGenerator[list[dict[str, Any]]]:
    """Page after page, as a program follows `Link`."""
    next_address: str | None = address
    while next_address:
        answer = await client.get(next_address)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        yield told["items"]
        next_address = answer.links.get("next", {}).get("url")
        assert (told["next_cursor"] is not None) == (next_address is not None)


async def ids_of(client: httpx.AsyncClient, address: str) -> list[str]:
    return [item["id"] async for page in pages(client, address) for item in page]


@pytest.fixture
async def tied(make) -> list[str]:
    """Factoids of which many stand in the same place of every order."""
    now = datetime.now(UTC) - timedelta(hours=1)
    made = [
        await make.factoid(
            created_at=now - timedelta(minutes=place // 5),
            votes=(place % 3, place % 2),
            category=["space", "ocean", "food"][place % 3],
        )
        for place in range(37)
    ]
    return [str(one.id) for one in made]


@pytest.mark.parametrize("limit", [1, 5, 36, 37, 100])
@pytest.mark.parametrize("sort", SORTS)
async def test_paging_meets_each_factoid_exactly_once(api, tied, sort, limit):
    met = await ids_of(api, f"/api/factoids?sort={sort}&limit={limit}")

    assert sorted(met) == sorted(tied)


@pytest.mark.parametrize("sort", SORTS)
async def test_paging_meets_each_once_while_new_ones_arrive(api, make, tied, sort):
    met: list[str] = []
    async for page in pages(api, f"/api/factoids?sort={sort}&limit=5"):
        met += [item["id"] for item in page]
        await make.factoid(votes=(len(met) % 3, 1))

    assert len(met) == len(set(met))
    assert set(tied) <= set(met)


@pytest.mark.parametrize("sort", SORTS)
async def test_a_filter_holds_on_every_page(api, tied, sort):
    met = [
        item["category"]
        async for page in pages(api, f"/api/factoids?sort={sort}&category=ocean&limit=5")
        for item in page
    ]

    assert met == ["ocean"] * 12


async def test_model_and_since_filter_too(api, make):
    now = datetime.now(UTC)
    old = await make.factoid(model="openai/gpt-4o-mini", created_at=now - timedelta(days=2))
    new = await make.factoid(model="openai/gpt-4o-mini", created_at=now)
    await make.factoid(model="google/gemini-flash", created_at=now)
    day_ago = (now - timedelta(days=1)).isoformat().replace("+", "%2B")

    by_model = await ids_of(api, "/api/factoids?model=openai/gpt-4o-mini")
    recent = await ids_of(api, f"/api/factoids?model=openai/gpt-4o-mini&since={day_ago}")

    assert by_model == [str(new.id), str(old.id)]
    assert recent == [str(new.id)]


async def test_the_newest_come_first(api, tied):
    times = [
        datetime.fromisoformat(item["created_at"])
        async for page in pages(api, "/api/factoids?limit=9")
        for item in page
    ]

    assert all(before >= after for before, after in pairwise(times))


async def test_a_shuffle_differs_between_visits(api, make):
    await make.factoids(40)

    orders = {tuple(await ids_of(api, "/api/factoids?sort=random&limit=20")) for _ in range(6)}
    first = await api.get("/api/factoids?sort=random")

    assert len(orders) > 1
    # A cache would give the next visitor the same order, or me when I shuffle again.
    assert first.headers["cache-control"] == "private, no-store"
    assert "etag" not in first.headers


async def test_random_factoids_are_different_ones(api, make):
    await make.factoids(12)

    one = (await api.get("/api/factoids/random")).json()["items"]
    ten = (await api.get("/api/factoids/random?limit=10")).json()["items"]
    firsts = {(await api.get("/api/factoids/random")).json()["items"][0]["id"] for _ in range(30)}

    assert len(one) == 1
    assert len({item["id"] for item in ten}) == 10
    assert len(firsts) > 1


@pytest.mark.parametrize("sort", SORTS)
async def test_every_altered_cursor_is_refused(api, make, sort):
    await make.factoids(3)
    address = f"/api/factoids?sort={sort}&limit=1"
    cursor = (await api.get(address)).json()["next_cursor"]

    statuses: set[int] = set()
    for place in range(len(cursor)):
        for other in ("A" if cursor[place] != "A" else "B", "", cursor[place] * 2):
            altered = cursor[:place] + other + cursor[place + 1 :]
            if altered != cursor:
                answer = await api.get(address, params={"cursor": altered, "sort": sort})
                statuses.add(answer.status_code)
                assert answer.json()["code"] == "invalid_cursor"

    assert statuses == {400}
    again = await api.get("/api/factoids", params={"sort": sort, "limit": 1, "cursor": cursor})
    assert again.status_code == 200


async def test_a_cursor_belongs_to_its_question(api, make):
    await make.factoids(3)
    cursor = (await api.get("/api/factoids?limit=1")).json()["next_cursor"]

    for other in (
        {"sort": "top"},
        {"sort": "random"},
        {"category": "space"},
        {"q": "planets"},
        {"model": "openai/gpt-4o-mini"},
        {"since": "2020-01-01T00:00:00Z"},
    ):
        answer = await api.get("/api/factoids", params={**other, "limit": 1, "cursor": cursor})
        assert answer.status_code == 400, other
    more = await api.get("/api/factoids", params={"limit": 2, "cursor": cursor})
    assert len(more.json()["items"]) == 2


@pytest.mark.parametrize(
    ("path", "at_most"),
    [
        ("/api/factoids?limit=50", 1),
        ("/api/factoids?sort=top&limit=50&category=space", 1),
        ("/api/factoids?sort=hot", 1),
        ("/api/factoids?sort=controversial", 1),
        ("/api/factoids?sort=random&limit=50", 2),
        ("/api/factoids/random?limit=50", 2),
        ("/api/factoids?q=planets", 1),
        ("/api/factoids?q=plnaets", 2),
        ("/api/factoids?q=%2B%2B%2B", 0),
        ("/api/factoids/today?date=2026-01-01", 2),
        ("/api/categories", 2),
    ],
)
async def test_a_request_is_at_most_two_statements(api, make, statements, path, at_most):
    await make.factoids(30)
    for caller_knows in (False, True):
        if caller_knows:
            newest = (await api.get("/api/factoids?limit=1")).json()["items"][0]["id"]
            await api.put(f"/api/factoids/{newest}/vote", json={"value": 1})
        await told()
        statements.clear()
        assert (await api.get(path)).status_code in {200, 404}
        await told()
        assert len(statements) <= at_most, statements
        assert bool(statements) == bool(at_most)
        for sql in (one.upper() for one in statements):
            assert "OFFSET" not in sql
            assert "ORDER BY RANDOM()" not in sql
            assert "COUNT(" not in sql or path == "/api/categories"


async def test_categories_are_not_counted_again_when_nothing_is_new(api, make, statements):
    await make.factoid(category="ocean")
    first = (await api.get("/api/categories")).json()["items"]
    await told()
    statements.clear()
    await api.get("/api/categories")
    await told()
    assert not [sql for sql in statements if "count" in sql]

    await make.factoid(category="ocean")
    second = (await api.get("/api/categories")).json()["items"]

    counts = [
        {one["category"]: one["count"] for one in items}["ocean"] for items in (first, second)
    ]
    assert counts == [1, 2]
    assert len(second) == 20
    assert all(one["emoji"] and one["label"] for one in second)


async def test_the_factoid_of_a_day_stays_the_same(api, make):
    start = datetime(2026, 3, 1, tzinfo=UTC)
    for hours in range(0, 24 * 20, 12):
        await make.factoid(created_at=start + timedelta(hours=hours))
    days = [f"2026-03-{day:02}" for day in range(2, 21)]

    first = [(await api.get(f"/api/factoids/today?date={day}")).json()["id"] for day in days]
    await make.factoids(20)
    second = [(await api.get(f"/api/factoids/today?date={day}")).json()["id"] for day in days]
    today = await api.get("/api/factoids/today")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date()

    assert first == second
    assert len(set(first)) > 5
    assert today.status_code == 200
    assert (await api.get(f"/api/factoids/today?date={tomorrow}")).status_code == 422
    assert (await api.get("/api/factoids/today?date=2026-03-01")).status_code == 404


async def test_what_never_leaves_the_server(api, make):
    await make.factoid(model="openai/gpt-4o-mini")

    item = (await api.get("/api/factoids")).json()["items"][0]

    assert UUID(item["id"])
    assert not {"text_key", "shuffle_key", "search", "caller_id", "network", "prompt"} & set(item)


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("2026-11-20", 2),
        ("2026-11-20T00:00:00Z", 2),
        ("2026-11-20t00:00:00.5z", 1),
        ("2026-11-20 01:00:00", 1),
        ("2026-11-20T01:00:00+02:00", 2),
        ("2026-11-21", 0),
    ],
)
async def test_since_is_a_date_or_a_moment(api, make, since, found):
    for hour in (0, 9):
        await make.factoid(created_at=datetime(2026, 11, 20, hour, tzinfo=UTC))
    await make.factoid(created_at=datetime(2026, 11, 19, 22, tzinfo=UTC))

    answer = await api.get("/api/factoids", params={"since": since})

    assert len(answer.json()["items"]) == found


@pytest.mark.parametrize("since", ["2026-13-01", "2026-11-20T25:00:00", "20261120", "2026-W47-5"])
async def test_no_date_is_told_how_to_write_one(api, since):
    answer = await api.get("/api/factoids", params={"since": since})

    assert answer.status_code == 422
    assert "2026-11-20T09:00:00Z" in answer.json()["errors"][0]["detail"]
