"""Renders a growing Markdown text: finished blocks are neither parsed nor sent again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import NamedTuple

from web.chat.markdown_parser import Block, blocks_of, parse


class Patch(NamedTuple):
    """How the browser derives the blocks from `first_block` on, which are the new list's tail.

    Their JSON, without its brackets, is `sent[keep_from:keep_to] + inserted + sent[resume_at:]`
    where `sent` is the JSON of the patch before. All of it is ASCII, in which Python and JavaScript
    count characters alike.
    """

    first_block: int
    sent_length: int
    """The length of `sent`, by which a lost patch is noticed; 0 where `sent` is not used."""
    keep_from: int
    keep_to: int
    resume_at: int
    inserted: str


class IncrementalRenderer:
    """Parses only the block that is still being written. The blocks are those of the whole text,
    except for links whose address is defined in another block.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Discard everything, since the meaning of the parsed text may have changed."""
        self.finished: list[Block] = []
        self.open: list[Block] = []
        """The blocks that may still change: those of the last paragraph, list and so on."""
        self._parsed_to = 0
        self._final_blocks = 0
        """How many finished blocks the browser has for good."""
        self._sent: str | None = None
        self._final_length = 0
        """How many characters of `_sent` belong to finished blocks."""

    def update(self, text: str, changed_at: int, sources: Mapping[int, str]) -> None:
        """Parse a text that is unchanged up to the character `changed_at`."""
        if changed_at < self._parsed_to:
            self.restart()
        rest = text[self._parsed_to :]
        tokens = parse(rest)
        # A block is finished when another follows. That is certain once the first line of the other
        # is complete: "#" alone begins a heading, "#bees" continues the block before.
        lines = rest.count("\n")
        begins = [
            (index, token.map[0])
            for index, token in enumerate(tokens)
            if token.level == 0 and token.nesting >= 0 and token.map and token.map[0] < lines
        ]
        cut, line = begins[-1] if begins[1:] else (0, 0)
        self.finished += blocks_of(tokens[:cut], sources)
        self.open = blocks_of(tokens[cut:], sources)
        self._parsed_to = len(text) - len(rest.split("\n", line)[-1])

    def next_patch(self) -> Patch | None:
        """The changes since the last patch, at first everything; None without changes."""
        sent, keep_from = self._sent or "", self._final_length
        finished = _as_json(self.finished[self._final_blocks :])
        new = ",".join([*finished, *_as_json(self.open)])
        old = sent[keep_from:]
        if new == old and self._sent is not None:
            return None
        start = _common_prefix(old, new)
        end = _common_prefix(old[start:][::-1], new[start:][::-1])
        patch = Patch(
            first_block=self._final_blocks,
            sent_length=len(sent),
            keep_from=keep_from,
            keep_to=keep_from + start,
            resume_at=len(sent) - end,
            inserted=new[start : len(new) - end],
        )
        self._final_blocks, self._sent = len(self.finished), new
        self._final_length = sum(len(block) + 1 for block in finished)
        return patch


def _as_json(blocks: Iterable[Block]) -> list[str]:
    return [json.dumps(asdict(block), separators=(",", ":")) for block in blocks]


def _common_prefix(left: str, right: str) -> int:
    """The length of the common prefix."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(left), len(right)))
