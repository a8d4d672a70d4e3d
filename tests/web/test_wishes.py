"""The feed's address says what is shown."""

import pytest

from api.schemas.factoids import CategoryOut
from web.feed.page import CHUNKS, read_reach
from web.feed.query import Wish, category_choices, sort_choices


@pytest.mark.parametrize(
    ("address", "wish"),
    [
        pytest.param("/", Wish(), id="nothing said"),
        pytest.param(
            "/?sort=top&category=food&q=honey+bee", Wish("top", "food", "honey bee"), id="all"
        ),
        pytest.param("/?sort=DROP&category=../x", Wish(), id="nonsense is left out"),
        pytest.param("/?sort=top&sort=hot", Wish("hot"), id="the last word counts"),
        pytest.param("/?q=" + "x" * 999, Wish(q="x" * 200), id="a novel is cut"),
        pytest.param("http://[broken", Wish(), id="no address at all"),
        pytest.param("/?q=%00a", Wish(q="a"), id="what no database takes"),
    ],
)
def test_reading_an_address(address: str, wish: Wish):
    assert Wish.read(address) == wish
    assert Wish.read(wish.href) == wish


def test_every_choice_keeps_the_rest_of_the_wish():
    wish = Wish("top", "food", "bee")
    food, art = CategoryOut("food", "Food", "🍯", 3), CategoryOut("art", "Art", "🎨", 4)

    every, *rest = category_choices(wish, [food, art])
    orders = sort_choices(wish)

    assert (every.href, every.count) == ("/?sort=top&q=bee", "7")
    assert [one.href for one in rest if not one.on] == ["/?sort=top&category=art&q=bee"]
    assert [one.name for one in orders if one.on] == ["top"]
    assert orders[0].label == "Best match"


@pytest.mark.parametrize(
    ("kept", "chunks"),
    [
        pytest.param("3 /?q=a", 3, id="as far as it was"),
        pytest.param("3 /", 1, id="another address starts anew"),
        pytest.param("999 /?q=a", CHUNKS, id="never more than there is room for"),
        pytest.param("-1 /?q=a", 1, id="never fewer than one"),
        pytest.param("٣ /?q=a", 1, id="digits of other scripts"),
        pytest.param({"a": 1}, 1, id="anything a browser may have kept"),
    ],
)
def test_how_far_a_tab_had_read(kept: object, chunks: int):
    assert read_reach(kept, "/?q=a") == chunks
