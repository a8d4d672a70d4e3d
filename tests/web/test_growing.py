"""A growing text reads as the whole one does, and what is finished is not told again."""

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from web.chat.markdown_diff import Change, Growing
from web.chat.markup import blocks

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent.parent / "security" / "markup.json").read_text()
)
PAYLOADS = [one for some in CORPUS.values() for one in some if "]:" not in one]
"""But for addresses of links that stand elsewhere: those are read at the end only."""

TRICKY = """# Bees

They *dance*, 数え切れない 🐝.
===

1. near
2. far
   - left

   and right

> Yes.
and so on

> More.

And | so
on
--|--
| Dance | Where |
|:--|--|
| round | *near* |
wag\\|gle | far | off
# Head
| a |
|-|

```py
x = 1

```
---
Text
#bees
# Head
***
***strong***
    goes on

    code

    more code

- a

1. b
-\x20

[open
"""


class Page:
    """Does what the browser does; see `write` in web/chat/chat.js."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self._written = ""

    def write(self, change: Change | None) -> None:
        if change:
            first, length, start, stop, again, new = change
            assert length in (0, len(self._written))
            before = self._written if length else ""
            self._written = before[start:stop] + new + before[again:]
            self.parts = self.parts[:first] + json.loads(f"[{self._written}]")


def grown(text: str, steps: list[int]) -> tuple[Page, int]:
    """The page at the end, and how many characters it was sent; checked at each step."""
    growing, page, at, sent = Growing(), Page(), 0, 0
    for step in steps:
        before, at = at, at + step
        growing.read(text[:at], before, {})
        change = growing.change()
        page.write(change)
        sent += len(change.new) if change else 0
        assert page.parts == [asdict(one) for one in blocks(text[:at])], text[:at]
    return page, sent


def test_a_text_read_letter_by_letter_is_at_each_the_text_so_far():
    grown(TRICKY, [1] * len(TRICKY))


@pytest.mark.parametrize("seed", range(20))
def test_a_text_read_in_pieces_is_at_each_the_text_so_far(seed: int):
    rare = random.Random(seed)
    some = [rare.choice([*PAYLOADS, *TRICKY.split("\n\n")]) for _ in range(12)]
    text = "".join(one + rare.choice(["\n\n", "\n", " ", "\n   "]) for one in some)
    grown(text, [rare.randint(1, 40) for _ in range(len(text) // 10)])


@pytest.mark.parametrize("ending", [".\n\n", ".\n", ". "])
def test_what_is_sent_grows_as_the_text_does(ending: str):
    def sent(sentences: int) -> int:
        text = "".join(f"Bees dance in the hive number {n}{ending}" for n in range(sentences))
        return grown(text, [20] * (len(text) // 20))[1]

    assert sent(200) < 2.2 * sent(100)


def test_what_is_said_again_otherwise_replaces_what_it_said():
    growing, page = Growing(), Page()
    for text, changed_at in (("One.\n\nTwo.\n\nThree", 0), ("One.\n\nTwo!\n\nFour", 9), ("", 0)):
        growing.read(text, changed_at, {})
        page.write(growing.change())
        assert page.parts == [asdict(one) for one in blocks(text)]


def test_a_source_that_comes_late_is_linked_from_what_was_written_before():
    growing, page = Growing(), Page()
    growing.read("So [1].\n\nAnd so\n\non", 0, {})
    page.write(growing.change())
    growing.restart()
    growing.read("So [1].\n\nAnd so\n\non", 19, {1: "/f/1"})
    page.write(growing.change())
    assert page.parts == [asdict(one) for one in blocks("So [1].\n\nAnd so\n\non", {1: "/f/1"})]


def test_nothing_is_told_where_nothing_changed():
    growing = Growing()
    growing.read("One.", 0, {})
    assert growing.change()
    growing.read("One.", 4, {})
    assert growing.change() is None
