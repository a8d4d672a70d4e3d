"""Parses searches, and marks the words of a text that a search by similarity found."""

import re
from collections.abc import Sequence

from db.repositories.factoids import MATCH_END, MATCH_START
from db.session import SIMILAR_WORDS_AT_LEAST
from domain.text import key_of, words

WORDS_AT_MOST = 8

_WORD = re.compile(r"\w+")


def search_words(q: str | None) -> list[str]:
    """The terms of a search; empty if it has no letters or digits."""
    return words(q)[:WORDS_AT_MOST] if q else []


def prefix_query(terms: Sequence[str]) -> str:
    """A tsquery for all terms. The last is a prefix, since it may not be typed to its end yet."""
    return " & ".join([*terms[:-1], f"{terms[-1]}:*"]) if terms else ""


def mark_similar(text: str, terms: Sequence[str]) -> str | None:
    """The text with marks around the words that are similar to a term; None if none is.

    Trigrams are compared as by Postgres' `word_similarity`.
    """
    trigrams_of_terms = [_trigrams(term) for term in terms]
    similar: dict[str, bool] = {}

    def mark(match: re.Match[str]) -> str:
        word = match[0]
        if word not in similar:
            trigrams = _trigrams(key_of(word))
            similar[word] = any(
                len(trigrams & term) >= SIMILAR_WORDS_AT_LEAST * len(term)
                for term in trigrams_of_terms
            )
        return f"{MATCH_START}{word}{MATCH_END}" if similar[word] else word

    marked = _WORD.sub(mark, text)
    return marked if any(similar.values()) else None


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}
