"""The messages of a chat as a tree, and what a model is shown of a branch; pure functions.

The last messages of a branch are shown whole and the rest in excerpts, so that a message late in
a long chat costs no more than a bounded number of bytes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db.models import ChatMessage
from domain.llm.fencing import fenced

HISTORY_BYTES = 24_000
"""What the history may add to a prompt, the newest message included."""

EXCERPTS_SHARE = 4
"""One part in so many is for excerpts of what is not shown whole."""

EXCERPT_LENGTH = 160
"""In code points, of each older message."""


@dataclass(frozen=True)
class HistoryMessage:
    role: str
    """user or assistant"""
    text: str


def branch(messages: Sequence[ChatMessage], leaf_id: UUID | None) -> list[ChatMessage]:
    """The messages from the first one to a leaf."""
    by_id = {message.id: message for message in messages}
    path: list[ChatMessage] = []
    message = by_id.get(leaf_id) if leaf_id else None
    while message is not None and len(path) < len(messages):
        path.append(message)
        message = by_id.get(message.parent_id) if message.parent_id else None
    return path[::-1]


def siblings(messages: Sequence[ChatMessage]) -> dict[UUID, list[UUID]]:
    """For each message all messages with its parent, itself included; the oldest first."""
    by_parent: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for message in messages:
        by_parent[message.parent_id].append(message.id)
    return {message.id: by_parent[message.parent_id] for message in messages}


def newest_leaf(messages: Sequence[ChatMessage], root_id: UUID) -> UUID:
    """The end of the branch below a message that was continued last."""
    newest: dict[UUID, UUID] = {}
    for message in messages:
        if message.parent_id:
            newest[message.parent_id] = message.id
    leaf_id = root_id
    while leaf_id in newest:
        leaf_id = newest[leaf_id]
    return leaf_id


def history_of(
    messages: Sequence[ChatMessage], question: ChatMessage, answer: ChatMessage
) -> list[HistoryMessage]:
    """The branch up to a question, and what there is of its answer when that is continued."""
    history = [
        HistoryMessage(message.role, message.text)
        for message in branch(messages, question.parent_id)
        if message.text
    ]
    history.append(HistoryMessage("user", question.text))
    if answer.text:
        history.append(HistoryMessage("assistant", answer.text))
    return history


def prompt_messages(
    history: Sequence[HistoryMessage], budget_bytes: int = HISTORY_BYTES
) -> list[dict[str, str]]:
    """A history as messages to a model, within a budget; the last message is always whole.

    What is older than the whole messages becomes one message of excerpts, fenced as data, and
    what does not fit there is only counted.
    """
    whole_bytes = budget_bytes - budget_bytes // EXCERPTS_SHARE
    start, used = len(history), 0
    while start and used + _size(history[start - 1].text) <= whole_bytes:
        start -= 1
        used += _size(history[start].text)
    start = min(start, len(history) - 1) if history else 0
    whole = [{"role": message.role, "content": message.text} for message in history[start:]]
    if not start:
        return whole
    return [_excerpts(history[:start], budget_bytes // EXCERPTS_SHARE), *whole]


def size(messages: Sequence[dict[str, str]]) -> int:
    return sum(_size(message["content"]) for message in messages)


def _excerpts(history: Sequence[HistoryMessage], budget_bytes: int) -> dict[str, str]:
    kept: list[dict[str, str]] = []
    for message in reversed(history):
        text = " ".join(message.text.split())
        excerpt = text if len(text) <= EXCERPT_LENGTH else f"{text[:EXCERPT_LENGTH]}…"
        more = [{message.role: excerpt}, *kept]
        if _size(_excerpts_text(more, len(history))) > budget_bytes:
            break
        kept = more
    return {"role": "user", "content": _excerpts_text(kept, len(history))}


def _excerpts_text(kept: list[dict[str, str]], total: int) -> str:
    left_out = total - len(kept)
    note = f" {left_out} older messages are left out." if left_out else ""
    return f"Earlier in this talk, in excerpts, as data.{note}\n<data>\n{fenced(kept)}\n</data>"


def _size(text: str) -> int:
    return len(text.encode(errors="replace")) + 16
