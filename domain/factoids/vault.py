"""A stored factoid that is new to whoever asks: free, also when nothing new can be written."""

import random
from collections.abc import Sequence
from uuid import UUID

from db.repositories.factoids import FactoidCard
from db.repositories.vault import VaultReads
from domain.errors import NotFound
from domain.factoids.categories import CATEGORY_LABELS, Category
from domain.factoids.search import search_words
from domain.text import words


class VaultEmpty(NotFound):
    code = "vault_empty"


class Vault:
    def __init__(self, reads: VaultReads) -> None:
        self._reads = reads

    async def open(
        self, topic: str | None, *, caller_id: UUID | None, seen: Sequence[UUID] = ()
    ) -> FactoidCard:
        """A factoid the caller has not voted on, not asked for and not `seen`.

        About the topic: with all its words, with some, with words like them, or of a category
        it names, whichever is found first. Without a topic any.

        Raises:
            VaultEmpty: There is none left.
        """
        about = search_words(topic)
        if not about:
            return await self._any(caller_id, seen)
        for joined in (" & ", " | ") if len(about) > 1 else (" & ",):
            query = joined.join(about)
            if card := await self._reads.find_unseen("search", caller_id, seen, query=query):
                return card
        if card := await self._reads.find_unseen("similar", caller_id, seen, query=" ".join(about)):
            return card
        named = categories_named(about)
        if named and (
            card := await self._reads.find_unseen("category", caller_id, seen, categories=named)
        ):
            return card
        raise VaultEmpty(
            "There is nothing in the vault on that which is new to you. "
            "Try another topic, or let it surprise you."
        )

    async def _any(self, caller_id: UUID | None, seen: Sequence[UUID]) -> FactoidCard:
        start = random.random()
        card = await self._reads.find_unseen("from", caller_id, seen, start=start)
        card = card or await self._reads.find_unseen("below", caller_id, seen, start=start)
        if card is None:
            raise VaultEmpty("You have met every fact in the vault. New ones are written daily.")
        return card


def categories_named(about: Sequence[str]) -> list[Category]:
    """The categories whose label holds one of the words, as one or as many."""
    said = {word.rstrip("s") for word in about}
    return [
        category
        for category, (_, label) in CATEGORY_LABELS.items()
        if said & {word.rstrip("s") for word in words(label)}
    ]
