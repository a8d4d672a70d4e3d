"""Reading a model's answer: whole, or while it is being written; pure functions."""

import re
from typing import Any

import emoji
import jiter
import msgspec
import regex

from domain.factoids.categories import Category
from domain.generation.prompt import LEAK_DETECTOR
from domain.text import clean, graphemes, key_of, sentences

TEXT_GRAPHEMES = 500
TEXT_GRAPHEMES_LEAST = 15
TEXT_LENGTH = 4_000
"""In code points, also of the text as it is compared: what the table holds."""

SUBJECT_GRAPHEMES = 255
SENTENCES = 2

STREAMED_LENGTH = 20_000
"""In code points of the answer, which is parsed anew with each piece; no factoid needs as many."""

_MARKUP = re.compile(
    r"<[a-zA-Z/!?]|\w://|(?<!\S)//\w|www\.|\][(\[:]|(?:java|vb)script:|data:[a-z]+/|mailto:|```",
    re.IGNORECASE,
)


class UnusableAnswer(Exception):
    """The answer is no factoid; says what is wrong, for the model to mend it."""


class FactoidDraft(msgspec.Struct, frozen=True):
    """A cleaned factoid, ready to be compared and published."""

    text: str
    subject: str
    emoji: str
    category: Category

    @property
    def key(self) -> str:
        return key_of(self.text)


class _Raw(msgspec.Struct):
    text: str
    subject: str
    emoji: str
    category: str


def read_answer(answer: str) -> FactoidDraft:
    """Clean and check an answer: plain or fenced JSON, or a tool call's arguments.

    Raises:
        UnusableAnswer: It is not one JSON object, or a part is missing, too long or not what
            it must be.
    """
    start, end = answer.find("{"), answer.rfind("}")
    if start < 0 or end < start:
        raise UnusableAnswer("it holds no JSON object.")
    try:
        raw = msgspec.json.decode(answer[start : end + 1].encode(), type=_Raw)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as error:
        raise UnusableAnswer(f"the JSON object is not as asked ({error}).") from error
    return FactoidDraft(
        text=_text(raw.text),
        subject=_subject(raw.subject),
        emoji=_emoji(raw.emoji),
        category=_category(raw.category),
    )


def text_so_far(answer: str) -> str:
    """As much of the fact's text as an unfinished answer holds, cleaned; nothing of our rules."""
    start = answer.find("{")
    if start < 0 or len(answer) > STREAMED_LENGTH:
        return ""
    try:
        parsed: Any = jiter.from_json(
            answer[start:].encode(errors="replace"), partial_mode="trailing-strings"
        )
    except ValueError:
        return ""
    text = parsed.get("text") if isinstance(parsed, dict) else None
    shown = clean(text) if isinstance(text, str) else ""
    return "" if LEAK_DETECTOR.matches(shown) else shown


def _text(raw: str) -> str:
    text = clean(raw)
    if not TEXT_GRAPHEMES_LEAST <= graphemes(text) <= TEXT_GRAPHEMES:
        raise UnusableAnswer(
            f"text must have {TEXT_GRAPHEMES_LEAST} to {TEXT_GRAPHEMES} characters."
        )
    if max(len(text), len(key_of(text))) > TEXT_LENGTH or not key_of(text):
        raise UnusableAnswer("text must be plain words.")
    if sentences(text) > SENTENCES:
        raise UnusableAnswer("text must be one or two sentences.")
    if _MARKUP.search(text):
        raise UnusableAnswer("text must be plain words, without markup or addresses.")
    if LEAK_DETECTOR.matches(text):
        raise UnusableAnswer("text must be a fact, not what you were told.")
    return text


def _subject(raw: str) -> str:
    subject = clean(raw)
    if not 1 <= graphemes(subject) <= SUBJECT_GRAPHEMES or len(subject) > SUBJECT_GRAPHEMES:
        raise UnusableAnswer("subject must have 1 to 255 characters.")
    if _MARKUP.search(subject):
        raise UnusableAnswer("subject must be plain words.")
    if LEAK_DETECTOR.matches(subject):
        raise UnusableAnswer("subject must be of the fact, not what you were told.")
    return subject


def _emoji(raw: str) -> str:
    """The emoji, with the variation selector that makes it one if it was forgotten."""
    character = clean(raw)
    if len(character) > 16 or len(regex.findall(r"\X", character)) != 1:
        raise UnusableAnswer("emoji must be exactly one emoji.")
    for spelling in (f"{character}\ufe0f", character):
        if emoji.is_emoji(spelling):
            return spelling
    raise UnusableAnswer("emoji must be exactly one emoji.")


def _category(raw: str) -> Category:
    try:
        return Category(raw.strip().lower())
    except ValueError:
        raise UnusableAnswer(f"category must be one of {', '.join(Category)}.") from None
