"""How an answer ends early, in words a visitor understands."""

import structlog

from domain.llm.failures import ModelFailed

log = structlog.get_logger()


class TurnEnded(Exception):
    """The answer ends here: what was said of it is kept."""

    def __init__(
        self, status: str, code: str, detail: str, *, allowance_returned: bool = False
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.allowance_returned = allowance_returned


def stopped() -> TurnEnded:
    return TurnEnded("stopped", "stopped", "Stopped. You can let it go on.")


def interrupted() -> TurnEnded:
    return TurnEnded(
        "interrupted",
        "interrupted",
        "We were interrupted while this was being written. You can let it go on.",
        allowance_returned=True,
    )


def out_of_time() -> TurnEnded:
    return TurnEnded(
        "interrupted", "out_of_time", "This took longer than an answer may. You can let it go on."
    )


def budget_used_up() -> TurnEnded:
    return TurnEnded(
        "interrupted",
        "budget_used_up",
        "Going on would be more than the budget allows today. There is more at midnight UTC.",
    )


def model_gone() -> TurnEnded:
    return TurnEnded(
        "failed",
        "model_gone",
        "That model is no longer offered. Please begin a new chat.",
        allowance_returned=True,
    )


def as_end(error: BaseException) -> TurnEnded:
    """What to tell the visitor; what nobody foresaw is logged."""
    if isinstance(error, TurnEnded):
        return error
    if isinstance(error, ModelFailed):
        return TurnEnded("failed", error.code, error.detail, allowance_returned=not error.refused)
    log.error("chat_turn_crashed", exc_info=error)
    return TurnEnded(
        "failed",
        "internal",
        "Something broke on our side. Please try again; it did not count.",
        allowance_returned=True,
    )
