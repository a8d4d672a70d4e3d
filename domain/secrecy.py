"""Telling whether a text gives away what a model was told; pure functions."""

from collections.abc import Iterable
from itertools import chain

from domain.text import key_of

WORDS_IN_A_ROW = 6
"""As many as nothing else shares with our rules by chance."""


class Secrets:
    """What a model was told and nobody else is to be."""

    def __init__(self, told: Iterable[str]) -> None:
        self._rows = frozenset(chain.from_iterable(_rows(text) for text in told))

    def are_in(self, text: str) -> bool:
        """Whether a text holds six words in a row of them, however they are set."""
        closed_up = _closed_up(text)
        backwards = closed_up[::-1]
        return any(row in closed_up or row in backwards for row in self._rows)


def _closed_up(text: str) -> str:
    """The letters alone, for a quote may be s p a c e d out."""
    return key_of(text).replace(" ", "")


def _rows(text: str) -> list[str]:
    said = key_of(text).split()
    starts = range(len(said) - WORDS_IN_A_ROW + 1)
    return ["".join(said[start : start + WORDS_IN_A_ROW]) for start in starts]
