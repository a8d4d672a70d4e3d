"""The branches of a chat; pure functions over its messages, the oldest first."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from db.models import ChatMessage


def branch(messages: Sequence[ChatMessage], leaf_id: UUID | None) -> list[ChatMessage]:
    """The messages from the first to a leaf."""
    by_id = {one.id: one for one in messages}
    found: list[ChatMessage] = []
    one = by_id.get(leaf_id) if leaf_id else None
    while one is not None and len(found) < len(messages):
        found.append(one)
        one = by_id.get(one.parent_id) if one.parent_id else None
    return found[::-1]


def siblings(messages: Sequence[ChatMessage]) -> dict[UUID, list[UUID]]:
    """For each message all that have its parent, itself among them."""
    by_parent: defaultdict[UUID | None, list[UUID]] = defaultdict(list)
    for one in messages:
        by_parent[one.parent_id].append(one.id)
    return {one.id: by_parent[one.parent_id] for one in messages}


def newest_leaf(messages: Sequence[ChatMessage], under: UUID) -> UUID:
    """The end of the branch that was last gone on with below a message."""
    newest: dict[UUID, UUID] = {}
    for one in messages:
        if one.parent_id:
            newest[one.parent_id] = one.id
    while under in newest:
        under = newest[under]
    return under
