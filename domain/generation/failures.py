"""How a request ends without a factoid, in words a visitor understands."""

from db.models import GenerationRequest
from domain.model_runs.failures import Failure

CANCELLED = Failure(
    "cancelled",
    "Cancelled. Nothing was published.",
    status="cancelled",
    allowance_returned=False,
)
INTERRUPTED = Failure(
    "interrupted", "We were interrupted while the model was writing. Please try again."
)
OUT_OF_TIME = Failure(
    "model_timeout", "The language model took too long to answer. Please try again."
)
UNUSABLE_ANSWER = Failure(
    "unusable_answer", "The language model did not write a proper factoid. Please try again."
)
DUPLICATE = Failure(
    "duplicate", "The model only came up with facts that are here already. Try another topic."
)
BUDGET_USED_UP = Failure(
    "budget_used_up",
    "Asking the model again would have been more than the budget allows today. Reading, voting"
    " and searching go on as ever. There is more at midnight UTC.",
)
MODEL_GONE = Failure("model_gone", "That model is no longer offered. Pick another one.")


def problem_of(request: GenerationRequest | None) -> tuple[str, str]:
    """Why a finished request has no factoid: a code and words."""
    if request is None:
        return "gone", "This request is gone. Start a new one."
    if request.status == "cancelled":
        return CANCELLED.code, CANCELLED.detail
    if request.status == "succeeded":
        return "factoid_gone", "The factoid was written, but has been taken down since."
    return request.problem_code or "failed", request.problem_detail or "It did not work out."
