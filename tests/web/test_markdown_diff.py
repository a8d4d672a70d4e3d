"""A growing text is parsed as the whole one is, and what is finished is not sent again."""

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.proof import at_length
from web.chat.markdown_diff import IncrementalRenderer, Patch
from web.chat.markdown_parser import blocks

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent.parent / "security" / "markup.json").read_text()
)
PAYLOADS = [text for texts in CORPUS.values() for text in texts if "]:" not in text]
"""All but links with their address in another block, which only the whole text resolves."""

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


class PatchedPage:
    """Applies patches as the browser does; see `write` in web/chat/chat.js."""

    def __init__(self) -> None:
        self.blocks: list[Any] = []
        self._sent = ""

    def apply(self, patch: Patch | None) -> None:
        if patch:
            assert patch.sent_length in (0, len(self._sent))
            before = self._sent if patch.sent_length else ""
            kept = before[patch.keep_from : patch.keep_to]
            self._sent = kept + patch.inserted + before[patch.resume_at :]
            self.blocks = self.blocks[: patch.first_block] + json.loads(f"[{self._sent}]")


def render(text: str, steps: list[int]) -> tuple[PatchedPage, int]:
    """The page at the end, and how many characters it was sent; checked at each step."""
    renderer, page, at, sent = IncrementalRenderer(), PatchedPage(), 0, 0
    for step in steps:
        before, at = at, at + step
        renderer.update(text[:at], before, {})
        patch = renderer.next_patch()
        page.apply(patch)
        sent += len(patch.inserted) if patch else 0
        assert page.blocks == [asdict(block) for block in blocks(text[:at])], text[:at]
    return page, sent


def test_a_text_parsed_letter_by_letter_equals_the_whole_text():
    render(TRICKY, [1] * len(TRICKY))


@pytest.mark.parametrize("seed", range(20))
def test_a_text_parsed_in_pieces_equals_the_whole_text(seed: int):
    chance = random.Random(seed)
    pieces = [chance.choice([*PAYLOADS, *TRICKY.split("\n\n")]) for _ in range(12)]
    text = "".join(piece + chance.choice(["\n\n", "\n", " ", "\n   "]) for piece in pieces)
    render(text, [chance.randint(1, 40) for _ in range(len(text) // 10)])


@pytest.mark.parametrize("ending", [".\n\n", ".\n", ". "])
def test_the_length_of_patches_is_linear_in_the_text(ending: str):
    count = at_length(40, whole=100)

    def sent(sentences: int) -> int:
        text = "".join(f"Bees dance in the hive number {n}{ending}" for n in range(sentences))
        return render(text, [20] * (len(text) // 20))[1]

    assert sent(2 * count) < 2.2 * sent(count)


def test_a_text_that_is_written_again_replaces_the_old_one():
    renderer, page = IncrementalRenderer(), PatchedPage()
    for text, changed_at in (("One.\n\nTwo.\n\nThree", 0), ("One.\n\nTwo!\n\nFour", 9), ("", 0)):
        renderer.update(text, changed_at, {})
        page.apply(renderer.next_patch())
        assert page.blocks == [asdict(block) for block in blocks(text)]


def test_a_late_source_is_linked_from_earlier_text():
    renderer, page = IncrementalRenderer(), PatchedPage()
    renderer.update("So [1].\n\nAnd so\n\non", 0, {})
    page.apply(renderer.next_patch())
    renderer.restart()
    renderer.update("So [1].\n\nAnd so\n\non", 19, {1: "/f/1"})
    page.apply(renderer.next_patch())
    assert page.blocks == [
        asdict(block) for block in blocks("So [1].\n\nAnd so\n\non", {1: "/f/1"})
    ]


def test_an_unchanged_text_has_no_patch():
    renderer = IncrementalRenderer()
    renderer.update("One.", 0, {})
    assert renderer.next_patch()
    renderer.update("One.", 4, {})
    assert renderer.next_patch() is None
