"""The vault: stored factoids that are new to the caller. Free, since no model is called."""

import random
from collections.abc import Sequence
from uuid import UUID

from db.repositories.factoids import FactoidCard
from db.repositories.vault import VaultReads
from domain.errors import NotFound
from domain.factoids.categories import CATEGORY_LABELS, Category
from domain.factoids.search import search_words, word_query
from domain.text import words


class VaultEmpty(NotFound):
    code = "vault_empty"


class Vault:
    def __init__(self, reads: VaultReads) -> None:
        self._reads = reads

    async def find_unseen(
        self, topic: str | None, *, caller_id: UUID | None, seen: Sequence[UUID] = ()
    ) -> FactoidCard:
        """A factoid that the caller has not voted on or generated, and that is not in `seen`.

        The first that is found with all words of the topic, with some, with similar words, or in a
        category that the topic names. Without a topic, a random one.

        Raises:
            VaultEmpty: There is none.
        """
        terms = search_words(topic)
        if not terms:
            return await self._any(caller_id, seen)
        for operator in ("&", "|") if len(terms) > 1 else ("&",):
            query = word_query(terms, operator)
            if card := await self._reads.find_unseen("search", caller_id, seen, query=query):
                return card
        if card := await self._reads.find_unseen("similar", caller_id, seen, query=" ".join(terms)):
            return card
        categories = categories_named(terms)
        if categories and (
            card := await self._reads.find_unseen(
                "category", caller_id, seen, categories=categories
            )
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


def categories_named(terms: Sequence[str]) -> list[Category]:
    """The categories with one of the terms in their label, in the singular or plural."""
    stems = {term.rstrip("s") for term in terms}
    return [
        category
        for category, (_, label) in CATEGORY_LABELS.items()
        if stems & {word.rstrip("s") for word in words(label)}
    ]
