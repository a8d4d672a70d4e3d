"""Telling whether an answer gives away what the model was told; pure functions."""

from itertools import chain

from domain.generation.prompt import RULES, SCHEMA
from domain.text import key_of

WORDS_IN_A_ROW = 6
"""As many as no fact shares with the rules by chance."""


def _closed_up(text: str) -> str:
    """The letters alone, for a quote may be s p a c e d out."""
    return key_of(text).replace(" ", "")


def _rows(text: str) -> list[str]:
    said = key_of(text).split()
    starts = range(len(said) - WORDS_IN_A_ROW + 1)
    return ["".join(said[start : start + WORDS_IN_A_ROW]) for start in starts]


_TOLD = [RULES, *(part.get("description", "") for part in SCHEMA["properties"].values())]
_ROWS = frozenset(chain.from_iterable(_rows(text) for text in _TOLD))


def repeats_rules(text: str) -> bool:
    """Whether a text holds six words of the rules in a row, however they are set."""
    closed_up = _closed_up(text)
    backwards = closed_up[::-1]
    return any(row in closed_up or row in backwards for row in _ROWS)
