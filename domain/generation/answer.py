"""Reading a model's answer: whole, or while it is being written; pure functions."""

import json
import re
from collections.abc import Generator
from typing import Any

import emoji
import jiter
import msgspec
import regex

from domain.factoids.categories import CATEGORY_LABELS, Category
from domain.generation.prompt import LEAK_DETECTOR
from domain.text import clean, graphemes, key_of, latin_length, shorten

TEXT_GRAPHEMES = 500
TEXT_LENGTH_LEAST = 12
"""As `latin_length` counts, since scripts differ in what one character says."""
TEXT_LENGTH = 4_000
"""In code points, also of the text as it is compared: what the table holds."""

SUBJECT_LENGTH = 255
SUBJECT_WORDS = 6
EMOJI_LENGTH = 16
OBJECTS_AT_MOST = 20
"""JSON objects looked for in one answer."""

NESTED_AT_MOST = 4
"""Levels of objects, lists and texts of JSON in which an object is looked for."""

STREAMED_LENGTH = 20_000
"""In code points of the answer, which is parsed anew with each piece; no factoid needs as many."""

_MARKUP = re.compile(
    r"<[a-zA-Z/!?]|\w://|(?<!\S)//\w|www\.|\][(\[:]|(?:java|vb)script:|data:[a-z]+/|mailto:|```",
    re.IGNORECASE,
)


_JSON = json.JSONDecoder(strict=False)
_COMMA_AT_END = re.compile(r",(\s*[}\]])")


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


def read_answer(answer: str) -> FactoidDraft:
    """Clean and check an answer: the first JSON object in it that is a factoid, plain, fenced,
    among words, within other JSON, in a tool call, or cut after its text.

    What is wrong with the subject, the emoji or the category is mended, since another answer would
    cost as much as the first.

    Raises:
        UnusableAnswer: There is none; says what is wrong with the first object.
    """
    wrong: UnusableAnswer | None = None
    for found in _objects(answer):
        try:
            return _draft(found)
        except UnusableAnswer as error:
            wrong = wrong or error
    raise wrong or UnusableAnswer("it holds no JSON object.")


def _draft(found: dict[str, Any]) -> FactoidDraft:
    found = {name.lower(): value for name, value in found.items()}
    text = _text(found.get("text"))
    category = _category(found.get("category"))
    return FactoidDraft(
        text=text,
        subject=_subject(found.get("subject"), text),
        emoji=_emoji(found.get("emoji")) or CATEGORY_LABELS[category][0],
        category=category,
    )


def _objects(answer: str) -> Generator[dict[str, Any]]:
    """The JSON objects in an answer, and those within them."""
    start, found = 0, False
    for _ in range(OBJECTS_AT_MOST):
        if (start := answer.find("{", start)) < 0:
            break
        try:
            value, start = _JSON.raw_decode(answer, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        found = True
        yield from _nested(value)
    if found:
        return
    if (mended := _COMMA_AT_END.sub(r"\1", answer)) != answer:
        yield from _objects(mended)
    else:
        text = answer.strip()
        yield from _nested(_decoded(text) or _decoded(f'"{text}"') or _cut_object(text))


def _nested(value: Any, depth: int = NESTED_AT_MOST) -> Generator[dict[str, Any]]:
    """The objects in a value, also in lists of them and in texts of JSON."""
    if depth and isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        yield from _nested(_decoded(value.strip()), depth - 1)
    inner: list[Any] = value if isinstance(value, list) else []
    if isinstance(value, dict):
        yield value
        inner = list(value.values())
    if depth:
        for part in inner:
            yield from _nested(part, depth - 1)


def _cut_object(text: str) -> Any:
    """The fields that are whole in an object that is not."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        return jiter.from_json(text[start:].encode(errors="replace"), partial_mode=True)
    except ValueError:
        return None


def _decoded(text: str) -> Any:
    try:
        return _JSON.decode(text)
    except (ValueError, RecursionError):
        return None


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


def _text(raw: Any) -> str:
    text = clean(raw) if isinstance(raw, str) else ""
    if latin_length(text) < TEXT_LENGTH_LEAST or graphemes(text) > TEXT_GRAPHEMES:
        raise UnusableAnswer(f"text must have {TEXT_LENGTH_LEAST} to {TEXT_GRAPHEMES} characters.")
    if max(len(text), len(key_of(text))) > TEXT_LENGTH or not key_of(text):
        raise UnusableAnswer("text must be plain words.")
    if _MARKUP.search(text):
        raise UnusableAnswer("text must be plain words, without markup or addresses.")
    if LEAK_DETECTOR.matches(text):
        raise UnusableAnswer("text must be a fact, not what you were told.")
    return text


def _subject(raw: Any, text: str) -> str:
    """The subject as far as it fits, or the first words of the text where there is none."""
    subject = clean(raw) if isinstance(raw, str) else ""
    if _MARKUP.search(subject):
        raise UnusableAnswer("subject must be plain words.")
    if LEAK_DETECTOR.matches(subject):
        raise UnusableAnswer("subject must be of the fact, not what you were told.")
    subject = subject or " ".join(text.split()[:SUBJECT_WORDS])
    return shorten(subject, SUBJECT_LENGTH).strip()


def _emoji(raw: Any) -> str | None:
    """The first emoji in it, with the variation selector that makes it one if it was forgotten."""
    for character in regex.findall(r"\X", clean(raw) if isinstance(raw, str) else ""):
        for spelling in (f"{character}\ufe0f", character):
            if len(spelling) <= EMOJI_LENGTH and emoji.is_emoji(spelling):
                return spelling
    return None


def _category(raw: Any) -> Category:
    try:
        return Category(str(raw).strip().lower())
    except ValueError:
        return Category.CULTURE
