"""Parses searches, prepares texts for them, and marks what was found.

Postgres splits a text into words by the letters that the database's locale knows, which differ
from host to host and never include combining marks, and it finds no words in scripts without
spaces. Words with other letters than those of ASCII are therefore split here, and stored and
sought as the hexadecimal digits of their bytes.
"""

from collections.abc import Iterable, Sequence
from typing import Literal

import regex

from db.repositories.factoids import MATCH_END, MATCH_START
from db.session import SIMILAR_WORDS_AT_LEAST
from domain.text import fold, key_of, runs, words

WORDS_AT_MOST = 8

WINDOW = 8
"""Characters stored from each place on in a text without spaces."""

_MARKS = regex.compile(r"\p{M}")
_CHARACTERS = regex.compile(r".\p{M}*", regex.DOTALL)
_WORD = regex.compile(r"[\p{L}\p{N}\p{M}_\u200c\u200d]+")
_NON_JOINER = "\u200c"


def search_words(q: str | None) -> list[str]:
    """The terms of a search; empty if it has no letters or digits."""
    return words(q)[:WORDS_AT_MOST] if q else []


def prefix_query(terms: Sequence[str]) -> str:
    """A tsquery for all terms. The last is a prefix, since it may not be typed to its end yet."""
    sought = [_sought(term) for term in terms]
    return " & ".join([*sought[:-1], f"{sought[-1].removesuffix(':*')}:*"]) if sought else ""


def word_query(terms: Sequence[str], operator: Literal["&", "|"]) -> str:
    """A tsquery for all (`&`) or any (`|`) of the terms."""
    return f" {operator} ".join(f"({_sought(term)})" for term in terms)


def search_terms(*texts: str) -> str:
    """What a search finds these texts by, apart from their words in ASCII; separated by spaces."""
    found: set[str] = set()
    for text in texts:
        if text.isascii():
            continue
        # A Persian word may also be sought by the parts that a non-joiner separates.
        for word in {*words(text), *words(text.replace(_NON_JOINER, " "))}:
            if not word.isascii():
                found |= _stored(word)
    return " ".join(sorted(found))


def mark_matches(text: str, terms: Sequence[str], marked: str | None) -> str | None:
    """The text with marks around all that a search found.

    `marked` are the marks of Postgres, which knows the words in ASCII only.
    """
    others = [term for term in terms if not term.isascii()]
    if not others:
        return marked
    found = _marked_characters(marked) if marked else set[int]()
    for term in others:
        found |= _places(text, term)
    return _with_marks(text, found) if found else marked


def mark_similar(text: str, terms: Sequence[str]) -> str | None:
    """The text with marks around the words that are similar to a term; None if none is.

    Trigrams are compared as by Postgres' `word_similarity`.
    """
    trigrams_of_terms = [_trigrams(term) for term in terms]
    similar: dict[str, bool] = {}

    def mark(match: regex.Match[str]) -> str:
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


def _stored(word: str) -> set[str]:
    return {
        _lexeme(piece)
        for part, unspaced in runs(word)
        for piece in (_windows(part) if unspaced else [part])
    }


def _sought(term: str) -> str:
    """The tsquery of a term: its parts, those without spaces as the beginning of a window."""
    if term.isascii():
        return term
    return " & ".join(
        f"{_lexeme(piece)}:*" if unspaced else _lexeme(piece)
        for part, unspaced in runs(term)
        for piece in (_full_windows(part) if unspaced else [part])
    )


def _windows(run: str) -> list[str]:
    return [
        run[start : start + WINDOW] for start in range(len(run)) if not _MARKS.match(run, start)
    ]


def _full_windows(run: str) -> list[str]:
    return [run[:WINDOW], *(piece for piece in _windows(run)[1:] if len(piece) == WINDOW)]


def _lexeme(word: str) -> str:
    """A word that Postgres' parser does not split, whatever the locale."""
    return word if word.isascii() else f"x0{word.encode().hex()}"


def _marked_characters(marked: str) -> set[int]:
    """The indexes, in the text without marks, of the characters between marks."""
    found, index, within = set[int](), 0, False
    for character in marked:
        if character in {MATCH_START, MATCH_END}:
            within = character == MATCH_START
            continue
        if within:
            found.add(index)
        index += 1
    return found


def _places(text: str, term: str) -> set[int]:
    """The indexes of the characters of a text in which a term occurs: as the beginning of a word,
    which is then marked whole, or anywhere in scripts without spaces.
    """
    found = set[int]()
    anywhere = any(unspaced for _, unspaced in runs(term))
    for word in _WORD.finditer(text):
        if not anywhere:
            pieces = [word[0], *word[0].split(_NON_JOINER)]
            if any(key_of(piece).startswith(term) for piece in pieces):
                found.update(range(*word.span()))
            continue
        origins: list[int] = []
        folded = ""
        for character in _CHARACTERS.finditer(word[0]):
            key = fold(character[0])
            folded += key
            origins += [character.start()] * len(key)
        at = folded.find(term)
        while at >= 0:
            last = origins[at + len(term) - 1]
            end = _CHARACTERS.match(word[0], last)
            stop = end.end() if end else last + 1
            found.update(range(word.start() + origins[at], word.start() + stop))
            at = folded.find(term, at + 1)
    return found


def _with_marks(text: str, found: Iterable[int]) -> str:
    chosen, pieces, within = set(found), list[str](), False
    for index, character in enumerate(text):
        if (index in chosen) != within:
            within = not within
            pieces.append(MATCH_START if within else MATCH_END)
        pieces.append(character)
    return "".join([*pieces, MATCH_END]) if within else "".join(pieces)


def _trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[start : start + 3] for start in range(len(padded) - 2)}
