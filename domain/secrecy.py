"""Telling whether a text gives away what a model was told; pure functions."""

from collections.abc import Iterable
from itertools import chain

from domain.text import key_of

WORDS_IN_A_ROW = 6
"""As many as nothing else shares with our rules by chance."""


class Secrets:
    """What a model was told and nobody else is to be."""

    def __init__(self, told: Iterable[str]) -> None:
        rows = set(chain.from_iterable(_rows(text) for text in told))
        self._begun = min(map(len, rows), default=0)
        self._rows: dict[str, list[str]] = {}
        """By the letters they begin with, so that a text is gone through once, not once for each:
        an answer is looked at again and again while it is written."""
        for row in rows:
            self._rows.setdefault(row[: self._begun], []).append(row)

    def are_in(self, text: str) -> bool:
        """Whether a text holds six words in a row of them, however they are set."""
        closed_up = _closed_up(text)
        return self._found_in(closed_up) or self._found_in(closed_up[::-1])

    def _found_in(self, letters: str) -> bool:
        return any(
            letters.startswith(row, place)
            for place in range(len(letters) - self._begun + 1)
            for row in self._rows.get(letters[place : place + self._begun], ())
        )


def _closed_up(text: str) -> str:
    """The letters alone, for a quote may be s p a c e d out."""
    return key_of(text).replace(" ", "")


def _rows(text: str) -> list[str]:
    said = key_of(text).split()
    starts = range(len(said) - WORDS_IN_A_ROW + 1)
    return ["".join(said[start : start + WORDS_IN_A_ROW]) for start in starts]
