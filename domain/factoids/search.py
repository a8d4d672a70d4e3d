"""What a search looks for, and which words of a text are what it meant."""

import re
from collections.abc import Sequence

from db.repositories.factoids import MATCH_END, MATCH_START
from db.session import SIMILAR_WORDS_AT_LEAST
from domain.text import key_of, words

WORDS_AT_MOST = 8

_WORD = re.compile(r"\w+")


def search_words(q: str | None) -> list[str]:
    """The words that are searched for; none for an empty search or one of signs only."""
    return words(q)[:WORDS_AT_MOST] if q else []


def prefix_query(found: Sequence[str]) -> str:
    """A tsquery for all the words. The last may still be being typed: its beginning will do."""
    return " & ".join([*found[:-1], f"{found[-1]}:*"]) if found else ""


def mark_alike(text: str, found: Sequence[str]) -> str | None:
    """The text with marks around the words that resemble the ones searched for.

    By trigrams, as Postgres' `word_similarity` compares them; None when no word is like any.
    """
    wanted = [_trigrams(word) for word in found]
    alike: dict[str, bool] = {}

    def mark(match: re.Match[str]) -> str:
        word = match[0]
        if word not in alike:
            here = _trigrams(key_of(word))
            alike[word] = any(
                len(here & one) >= SIMILAR_WORDS_AT_LEAST * len(one) for one in wanted
            )
        return f"{MATCH_START}{word}{MATCH_END}" if alike[word] else word

    marked = _WORD.sub(mark, text)
    return marked if any(alike.values()) else None


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[place : place + 3] for place in range(len(padded) - 2)}
