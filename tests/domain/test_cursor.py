import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.cursor import Cursors, InvalidCursor

CURSORS = Cursors("a secret")
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
