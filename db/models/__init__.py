from db.models.account import ApiKey, SignedOutVisitor
from db.models.base import Base
from db.models.budget import BudgetAlert, BudgetPot, BudgetReservation, LedgerEntry
from db.models.chat import ChatCall, ChatMessage, ChatSession, ChatTurn
from db.models.credit import CreditEntry, CreditGrant, CreditHold
from db.models.factoid import Factoid, Tally
from db.models.generation import GenerationRequest, LanguageModel, ModelCall
from db.models.idempotency import IdempotencyKey
from db.models.limit import Anomaly, FallbackUse, RateLimitSnapshot
from db.models.outbox import OutboxRow
from db.models.payment import Checkout, PaymentEntry, StripeEvent
from db.models.vote import Feedback, Vote

__all__ = [
    "Anomaly",
    "ApiKey",
    "Base",
    "BudgetAlert",
    "BudgetPot",
    "BudgetReservation",
    "ChatCall",
    "ChatMessage",
    "ChatSession",
    "ChatTurn",
    "Checkout",
    "CreditEntry",
    "CreditGrant",
    "CreditHold",
    "Factoid",
    "FallbackUse",
    "Feedback",
    "GenerationRequest",
    "IdempotencyKey",
    "LanguageModel",
    "LedgerEntry",
    "ModelCall",
    "OutboxRow",
    "PaymentEntry",
    "RateLimitSnapshot",
    "SignedOutVisitor",
    "StripeEvent",
    "Tally",
    "Vote",
]
