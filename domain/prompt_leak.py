"""Detects that a text discloses a model's instructions; pure functions.

Quotes are found in any case and spacing, reversed, and in rot13, hexadecimal and base64. A
translation is not found, since only another model could recognise it; prompts must therefore
contain no secrets.
"""

import base64
import codecs
import re
from collections.abc import Iterable
from itertools import chain

from domain.text import key_of

WORDS_IN_A_ROW = 6
"""Long enough that no other text shares such a phrase with our prompts by chance."""

# Longer than a word, and shorter than a phrase in the same encoding.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]?){16,}")

_PUNCTUATION = bytes(code for code in range(128) if not chr(code).isalnum())


class LeakDetector:
    """Finds phrases of the given prompts in a text, plain or encoded."""

    def __init__(self, prompts: Iterable[str]) -> None:
        phrases = set(chain.from_iterable(_phrases(prompt) for prompt in prompts))
        phrases |= {codecs.encode(phrase, "rot13") for phrase in phrases}
        self._step = max(1, min(map(len, phrases), default=0) // 2)
        self._by_substring: dict[str, set[str]] = {}
        """Phrases by all their substrings of length n/2, where n is that of the shortest phrase.
        Any occurrence covers one aligned block of n/2 characters, so that a text, which is
        checked repeatedly while it grows, is sampled every n/2 characters."""
        for phrase in phrases | {phrase[::-1] for phrase in phrases}:
            for start in range(len(phrase) - self._step + 1):
                substring = phrase[start : start + self._step]
                self._by_substring.setdefault(substring, set()).add(phrase)

    def matches(self, text: str) -> bool:
        """Whether a text holds six consecutive words of a prompt, plain or encoded."""
        letters = _letters("\n".join([text, *_decoded(text)]))
        return any(
            phrase in letters
            for start in range(0, len(letters), self._step)
            for phrase in self._by_substring.get(letters[start : start + self._step], ())
        )


def _decoded(text: str) -> Iterable[str]:
    """Hexadecimal and base64 runs of a text, decoded from every possible offset."""
    for run in _HEX.findall(text):
        yield bytes.fromhex(re.sub(r"[\s:,]", "", run)).decode(errors="ignore")
    for run in _BASE64.findall(text):
        for skipped in range(4):
            code = run[skipped:].replace("+", "-").replace("/", "_")
            yield base64.urlsafe_b64decode(code[: len(code) // 4 * 4]).decode(errors="ignore")


def _letters(text: str) -> str:
    """Letters and digits alone, since a quote may be s p a c e d out."""
    if text.isascii():
        # Faster, with the same result; most answers are ASCII.
        return text.lower().encode().translate(None, _PUNCTUATION).decode()
    return key_of(text).replace(" ", "")


def _phrases(text: str) -> list[str]:
    words = key_of(text).split()
    starts = range(len(words) - WORDS_IN_A_ROW + 1)
    return ["".join(words[start : start + WORDS_IN_A_ROW]) for start in starts]
