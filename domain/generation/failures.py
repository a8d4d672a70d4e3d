"""How a request ends without a factoid, in words a visitor understands."""

import structlog

from domain.llm.failures import ModelFailed

log = structlog.get_logger()


class GenerationFailed(Exception):
    """It ends here without a factoid, for a reason a visitor can be told."""

    def __init__(
        self, code: str, detail: str, *, status: str = "failed", allowance_returned: bool = True
    ) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.status = status
        self.allowance_returned = allowance_returned


def cancelled() -> GenerationFailed:
    return GenerationFailed(
        "cancelled",
        "Cancelled. Nothing was published.",
        status="cancelled",
        allowance_returned=False,
    )


def interrupted() -> GenerationFailed:
    return GenerationFailed(
        "interrupted", "We were interrupted while the model was writing. Please try again."
    )


def out_of_time() -> GenerationFailed:
    return GenerationFailed(
        "model_timeout", "The language model took too long to answer. Please try again."
    )


def unusable_answer() -> GenerationFailed:
    return GenerationFailed(
        "unusable_answer",
        "The language model did not write a proper factoid. Please try again.",
    )


def duplicate() -> GenerationFailed:
    return GenerationFailed(
        "duplicate", "The model only came up with facts that are here already. Try another topic."
    )


def budget_used_up() -> GenerationFailed:
    return GenerationFailed(
        "budget_used_up",
        "Asking the model again would have been more than the budget allows today. Reading, voting"
        " and searching go on as ever. There is more at midnight UTC.",
    )


def model_gone() -> GenerationFailed:
    return GenerationFailed("model_gone", "That model is no longer offered. Pick another one.")


def as_failure(error: BaseException) -> GenerationFailed:
    """What to tell the visitor; what nobody foresaw is logged."""
    if isinstance(error, GenerationFailed):
        return error
    if isinstance(error, ModelFailed):
        return GenerationFailed(
            error.code,
            error.detail,
            status="refused" if error.refused else "failed",
            allowance_returned=not error.refused,
        )
    log.error("generation_crashed", exc_info=error)
    return GenerationFailed(
        "internal", "Something broke on our side. Please try again; it did not count."
    )
