"""The address of the feed decides what is shown."""

import pytest

from api.schemas.factoids import CategoryOut
from web.feed.query import FeedQuery, category_choices, sort_choices
from web.feed.state import MAX_CHUNKS, chunks_to_restore


@pytest.mark.parametrize(
    ("address", "query"),
    [
        pytest.param("/", FeedQuery(), id="no query"),
        pytest.param(
            "/?sort=top&category=food&q=honey+bee", FeedQuery("top", "food", "honey bee"), id="all"
        ),
        pytest.param("/?sort=DROP&category=../x", FeedQuery(), id="nonsense is left out"),
        pytest.param("/?sort=top&sort=hot", FeedQuery("hot"), id="the last value counts"),
        pytest.param("/?q=" + "x" * 999, FeedQuery(q="x" * 200), id="a long search is cut"),
        pytest.param("http://[broken", FeedQuery(), id="a malformed address"),
        pytest.param("/?q=%00a", FeedQuery(q="a"), id="a NUL character"),
    ],
)
def test_reading_an_address(address: str, query: FeedQuery):
    assert FeedQuery.from_address(address) == query
    assert FeedQuery.from_address(query.href) == query


def test_every_choice_keeps_the_rest_of_the_query():
    query = FeedQuery("top", "food", "bee")
    food, art = CategoryOut("food", "Food", "🍯", 3), CategoryOut("art", "Art", "🎨", 4)

    all_facts, *rest = category_choices(query, [food, art])
    orders = sort_choices(query)

    assert (all_facts.href, all_facts.count) == ("/?sort=top&q=bee", "7")
    assert [choice.href for choice in rest if not choice.selected] == [
        "/?sort=top&category=art&q=bee"
    ]
    assert [choice.name for choice in orders if choice.selected] == ["top"]
    assert orders[0].label == "Best match"


@pytest.mark.parametrize(
    ("loaded", "chunks"),
    [
        pytest.param("3 /?q=a", 3, id="as many as before"),
        pytest.param("3 /", 1, id="another address"),
        pytest.param("999 /?q=a", MAX_CHUNKS, id="at most the maximum"),
        pytest.param("-1 /?q=a", 1, id="at least one"),
        pytest.param("٣ /?q=a", 1, id="digits of other scripts"),
        pytest.param({"a": 1}, 1, id="another type"),
    ],
)
def test_chunks_to_restore(loaded: object, chunks: int):
    assert chunks_to_restore(loaded, "/?q=a") == chunks
