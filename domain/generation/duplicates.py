"""Near-duplicates: a draft that repeats a published factoid is not published."""

from db.repositories.factoids import FactoidRepository
from domain.generation.answer import FactoidDraft

SIMILAR_AT_LEAST = 0.55
"""Trigram similarity from which two texts say the same: a changed word or two stays over 0.7,
different facts about one subject stay under 0.45."""


class AlreadyPublished(Exception):
    """A draft repeats a published factoid; `text` is the published factoid's."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


async def check_new(factoids: FactoidRepository, draft: FactoidDraft) -> None:
    """Raises: AlreadyPublished: The draft is equal or nearly equal to a published factoid."""
    if similar := await factoids.most_similar(draft.key, at_least=SIMILAR_AT_LEAST):
        raise AlreadyPublished(similar.text)
    # Trigrams ignore the letters of some scripts, so equality is checked separately.
    if await factoids.published_keys([draft.key]):
        raise AlreadyPublished(draft.text)
