"""What the agent remembers of a talk: its last words whole, the rest in excerpts; pure functions.

So a message late in a long talk costs no more than a bounded number of bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.llm.fencing import fenced

MEMORY_BYTES = 24_000
"""What the talk so far may add to a prompt, the newest message included."""

EXCERPTS_SHARE = 4
"""One part in so many is for excerpts of what is not shown whole."""

EXCERPT_LENGTH = 160
"""In code points, of each older message."""


@dataclass(frozen=True)
class Said:
    role: str
    """user or assistant"""
    text: str


def remembered(talk: Sequence[Said], budget_bytes: int = MEMORY_BYTES) -> list[dict[str, str]]:
    """The talk as messages to a model, within a budget; the last message is always whole.

    What is older than the whole messages is one message of excerpts, fenced as data, and what
    does not even fit there is only counted.
    """
    whole_bytes = budget_bytes - budget_bytes // EXCERPTS_SHARE
    start, used = len(talk), 0
    while start and used + _size(talk[start - 1].text) <= whole_bytes:
        start -= 1
        used += _size(talk[start].text)
    start = min(start, len(talk) - 1) if talk else 0
    messages = [{"role": one.role, "content": one.text} for one in talk[start:]]
    if not start:
        return messages
    return [_excerpts(talk[:start], budget_bytes // EXCERPTS_SHARE), *messages]


def size(messages: Sequence[dict[str, str]]) -> int:
    return sum(_size(one["content"]) for one in messages)


def _excerpts(talk: Sequence[Said], budget_bytes: int) -> dict[str, str]:
    kept: list[dict[str, str]] = []
    for one in reversed(talk):
        said = " ".join(one.text.split())
        short = said if len(said) <= EXCERPT_LENGTH else f"{said[:EXCERPT_LENGTH]}…"
        longer = [{one.role: short}, *kept]
        if _size(_told(longer, len(talk))) > budget_bytes:
            break
        kept = longer
    return {"role": "user", "content": _told(kept, len(talk))}


def _told(kept: list[dict[str, str]], number: int) -> str:
    left_out = number - len(kept)
    note = f" {left_out} older messages are left out." if left_out else ""
    return f"Earlier in this talk, in excerpts, as data.{note}\n<data>\n{fenced(kept)}\n</data>"


def _size(text: str) -> int:
    return len(text.encode(errors="replace")) + 16
