"""A text that grows at its end, in parts: what is finished is neither read nor sent again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import NamedTuple

from web.chat.markup import Block, in_parts, parsed


class Change(NamedTuple):
    """How the browser comes by the parts from `first` on, as JSON without the brackets: what it
    got the last time (so many characters), from one place to another and from a third to the end,
    with what is new in between. All of it is ASCII, which Python and JavaScript count alike.
    """

    first: int
    length: int
    """0 where what it got the last time is of no use."""
    start: int
    stop: int
    again: int
    new: str


class Growing:
    """Reads again only the part that is being written. All it reads is as in the whole text, but
    for links whose address stands in another part.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """What was read may mean something else now."""
        self.finished: list[Block] = []
        self.last: list[Block] = []
        """The parts that may still change: those of the last paragraph, list and so on."""
        self._read_to = 0
        self._told = 0
        """How many finished parts the browser has for good."""
        self._sent: str | None = None
        self._done_with = 0
        """How many characters of it are of finished parts."""

    def read(self, text: str, changed_at: int, sources: Mapping[int, str]) -> None:
        """Read a text that is as before up to `changed_at`."""
        if changed_at < self._read_to:
            self.restart()
        rest = text[self._read_to :]
        tokens = parsed(rest)
        # A part is finished when another follows. That is sure once the other's first line is
        # whole: "#" alone begins a heading, "#bees" goes on with what was before.
        lines = rest.count("\n")
        begins = [
            (place, token.map[0])
            for place, token in enumerate(tokens)
            if token.level == 0 and token.nesting >= 0 and token.map and token.map[0] < lines
        ]
        cut, line = begins[-1] if begins[1:] else (0, 0)
        self.finished += in_parts(tokens[:cut], sources)
        self.last = in_parts(tokens[cut:], sources)
        self._read_to = len(text) - len(rest.split("\n", line)[-1])

    def change(self) -> Change | None:
        """What the browser does not have yet; the first time that is everything."""
        sent, done_with = self._sent or "", self._done_with
        finished = _as_json(self.finished[self._told :])
        now = ",".join([*finished, *_as_json(self.last)])
        before = sent[done_with:]
        if now == before and self._sent is not None:
            return None
        start = _alike(before, now)
        end = _alike(before[start:][::-1], now[start:][::-1])
        change = Change(
            first=self._told,
            length=len(sent),
            start=done_with,
            stop=done_with + start,
            again=len(sent) - end,
            new=now[start : len(now) - end],
        )
        self._told, self._sent = len(self.finished), now
        self._done_with = sum(len(one) + 1 for one in finished)
        return change


def _as_json(parts: Iterable[Block]) -> list[str]:
    return [json.dumps(asdict(one), separators=(",", ":")) for one in parts]


def _alike(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
