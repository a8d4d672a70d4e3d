import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain.cursor import Cursors, InvalidCursor

CURSORS = Cursors("a secret")
DAY_S = 86_400
PLACES = st.lists(
    st.integers(-(2**62), 2**62) | st.floats(allow_nan=False) | st.text() | st.booleans()
)


@given(asked=st.text(), place=PLACES)
def test_a_cursor_is_read_as_it_was_written(asked, place):
    assert CURSORS.read(asked, CURSORS.write(asked, place)) == place


@given(asked=st.text(), other=st.text())
def test_a_cursor_answers_one_question_only(asked, other):
    if asked != other:
        with pytest.raises(InvalidCursor):
            CURSORS.read(other, CURSORS.write(asked, [1]))


@given(made_up=st.text())
def test_what_we_did_not_write_is_refused(made_up):
    with pytest.raises(InvalidCursor):
        CURSORS.read("new", made_up)


def test_another_secret_writes_other_cursors():
    with pytest.raises(InvalidCursor):
        CURSORS.read("new", Cursors("another secret").write("new", [1]))


def test_a_cursor_lives_through_a_change_of_the_secret():
    cursor = Cursors("old").write("new", [1])

    assert Cursors("new", "old").read("new", cursor) == [1]
    with pytest.raises(InvalidCursor):
        Cursors("new").read("new", cursor)


def at(seconds: float) -> Cursors:
    return Cursors("a secret", clock=lambda: seconds)


@given(
    written_at=st.floats(0, 4e9),
    age_s=st.floats(0, 29 * DAY_S) | st.floats(30 * DAY_S, 4_000 * DAY_S),
)
@example(written_at=DAY_S - 1, age_s=29 * DAY_S)
@example(written_at=0, age_s=30 * DAY_S)
@example(written_at=DAY_S - 1, age_s=30 * DAY_S)
def test_a_cursor_is_good_for_thirty_days(written_at, age_s):
    cursor, later = at(written_at).write("new", [1]), at(written_at + age_s)

    if age_s < 30 * DAY_S:
        assert later.read("new", cursor) == [1]
    else:
        with pytest.raises(InvalidCursor, match="30 days old"):
            later.read("new", cursor)


def test_a_clock_set_back_refuses_nobody():
    assert at(1e9).read("new", at(1e9 + 2 * DAY_S).write("new", [1])) == [1]
