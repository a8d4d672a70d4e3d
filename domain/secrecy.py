"""Telling whether a text gives away what a model was told; pure functions.

It is found however it is set, backwards, and in codes that a model writes by heart. A translation
is not: only another model could tell. So nothing hangs on what our rules say.
"""

import base64
import codecs
import re
from collections.abc import Iterable
from itertools import chain

from domain.text import key_of

WORDS_IN_A_ROW = 6
"""As many as nothing else shares with our rules by chance."""

# Longer than a word, and shorter than six of them in such a code.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]?){16,}")


_SIGNS = bytes(code for code in range(128) if not chr(code).isalnum())


class Secrets:
    """What a model was told and nobody else is to be."""

    def __init__(self, told: Iterable[str]) -> None:
        rows = set(chain.from_iterable(_rows(text) for text in told))
        rows |= {codecs.encode(row, "rot13") for row in rows}
        self._step = max(1, min(map(len, rows), default=0) // 2)
        self._rows: dict[str, set[str]] = {}
        """By all pieces of them, half as long as the shortest row: cut into such pieces, a text
        that holds a row has one in common with it. So a text, which is looked at again and again
        while it is written, is gone through in strides."""
        for row in rows | {row[::-1] for row in rows}:
            for at in range(len(row) - self._step + 1):
                self._rows.setdefault(row[at : at + self._step], set()).add(row)

    def are_in(self, text: str) -> bool:
        """Whether a text holds six words in a row of them, however they are set or coded."""
        letters = _closed_up("\n".join([text, *_decoded(text)]))
        return any(
            row in letters
            for at in range(0, len(letters), self._step)
            for row in self._rows.get(letters[at : at + self._step], ())
        )


def _decoded(text: str) -> Iterable[str]:
    """What stands in a text in hexadecimal or base64, wherever in a code the text begins."""
    for run in _HEX.findall(text):
        yield bytes.fromhex(re.sub(r"[\s:,]", "", run)).decode(errors="ignore")
    for run in _BASE64.findall(text):
        for skipped in range(4):
            code = run[skipped:].replace("+", "-").replace("/", "_")
            yield base64.urlsafe_b64decode(code[: len(code) // 4 * 4]).decode(errors="ignore")


def _closed_up(text: str) -> str:
    """The letters alone, for a quote may be s p a c e d out."""
    if text.isascii():
        # The same, found quicker; an answer is mostly that.
        return text.lower().encode().translate(None, _SIGNS).decode()
    return key_of(text).replace(" ", "")


def _rows(text: str) -> list[str]:
    said = key_of(text).split()
    starts = range(len(said) - WORDS_IN_A_ROW + 1)
    return ["".join(said[start : start + WORDS_IN_A_ROW]) for start in starts]
