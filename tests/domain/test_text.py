import pytest

from domain.factoids.search import mark_similar, prefix_query, search_words
from domain.text import clean, graphemes, key_of, shorten


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("abc", 3), ("e\u0301", 1), ("👨‍👩‍👧‍👦", 1), ("🇩🇪🇫🇷", 2), ("नि", 1), ("\r\n", 1)],
)
def test_characters_are_counted_as_a_reader_does(text, count):
    assert graphemes(text) == count


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        pytest.param("  a \n\t b  ", "a b", id="one line, single spaces"),
        pytest.param("a\x00b\x07", "ab", id="no control characters"),
        pytest.param("a\u202eb\u2066c", "abc", id="nothing that turns the text around"),
        pytest.param("a\u200bb\ufeff", "ab", id="nothing without a width"),
        pytest.param("e\u0301", "é", id="composed"),
        pytest.param("👨‍👩‍👧", "👨‍👩‍👧", id="families stay together"),
        pytest.param("a\ud800b", "ab", id="no half characters"),
    ],
)
def test_a_text_is_cleaned(raw, cleaned):
    assert clean(raw) == cleaned


def test_texts_that_differ_in_signs_only_have_one_key():
    assert key_of("Bees  can't FLY!") == key_of("bees can’t fly") == "bees can t fly"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("कला", "कल"),
        ("ดำ", "ดา"),
        ("পানি", "পান"),
        ("கல்", "கல"),
        ("がき", "かき"),
        ("मीन", "मन"),
    ],
)
def test_combining_marks_tell_words_apart(one, other):
    assert key_of(one) != key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("العَسَلُ", "العسل"),
        ("שָׁלוֹם", "שלום"),
        ("İSTANBUL IŞIK", "istanbul ışık"),
        ("क़", "क़"),
        ("ශ්‍රී", "ශ්රී"),
        ("I ❤️ bees", "i bees"),
        ("章鱼，有 心。", "章鱼有心"),
        ("é", "É"),
    ],
)
def test_spellings_of_one_word_have_one_key(one, other):
    assert key_of(one) == key_of(other)


def test_the_last_word_of_a_search_may_be_unfinished():
    assert prefix_query(search_words("Blue wha")) == "blue & wha:*"
    assert prefix_query(search_words(" ... ")) == ""
    assert search_words(None) == []


def test_words_that_are_nothing_alike_are_not_marked():
    assert mark_similar("A day on Venus", ["octopus"]) is None


@pytest.mark.parametrize(
    ("text", "length", "shown"),
    [
        ("Bees", 4, "Bees"),
        ("Bees", 2, "Be"),
        ("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 10, "👨‍👩‍👧‍👦"),
        ("🇨🇭🇨🇭", 3, "🇨🇭"),
        ("कि कि", 4, "कि "),
        ("👍🏽", 1, ""),
    ],
)
def test_a_shortened_text_ends_with_a_whole_character(text, length, shown):
    assert shorten(text, length) == shown
