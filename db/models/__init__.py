from db.models.base import Base
from db.models.factoid import Factoid, Tally
from db.models.generation import GenerationRequest, LanguageModel, ModelCall
from db.models.outbox import OutboxRow
from db.models.vote import Feedback, Vote

__all__ = [
    "Base",
    "Factoid",
    "Feedback",
    "GenerationRequest",
    "LanguageModel",
    "ModelCall",
    "OutboxRow",
    "Tally",
    "Vote",
]
