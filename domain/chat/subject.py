"""What a turn is about, who answers it and what was said before."""

from collections.abc import Sequence
from uuid import UUID

from db.models import ChatMessage, LanguageModel
from db.repositories.factoids import FactoidCard
from domain.chat.memory import Said
from domain.chat.sessions import TOOLS, Chat
from domain.chat.tree import branch
from domain.factoids.service import FactoidNotFound, FactoidService
from domain.llm.catalogue import CatalogueService, UnknownModel


async def card_of(factoids: FactoidService, factoid_id: UUID | None) -> FactoidCard | None:
    """The factoid a chat is about, while it is there."""
    if factoid_id is None:
        return None
    try:
        return await factoids.one(factoid_id, None)
    except FactoidNotFound:
        return None


async def model_of(catalogue: CatalogueService, chat: Chat) -> LanguageModel:
    """The chat's model, or another one where it is gone and nobody asked for it.

    Raises:
        UnknownModel, NoModels: See `CatalogueService.choose`.
    """
    try:
        return await catalogue.choose(chat.session.model, needs=TOOLS)
    except UnknownModel:
        if chat.session.model_pinned:
            raise
        return await catalogue.choose(None, needs=TOOLS)


def talk_before(
    messages: Sequence[ChatMessage], question: ChatMessage, answer: ChatMessage
) -> list[Said]:
    """What was said up to a question; and of its answer, when that is to be gone on with."""
    talk = [Said(one.role, one.text) for one in branch(messages, question.parent_id) if one.text]
    talk.append(Said("user", question.text))
    if answer.text:
        talk.append(Said("assistant", answer.text))
    return talk
