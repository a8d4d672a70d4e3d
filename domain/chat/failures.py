"""How an answer ends early, in words a visitor understands; what was written of it is kept."""

from domain.model_runs.failures import Failure

STOPPED = Failure(
    "stopped", "Stopped. You can let it go on.", status="stopped", allowance_returned=False
)
INTERRUPTED = Failure(
    "interrupted",
    "We were interrupted while this was being written. You can let it go on.",
    status="interrupted",
)
OUT_OF_TIME = Failure(
    "out_of_time",
    "This took longer than an answer may. You can let it go on.",
    status="interrupted",
    allowance_returned=False,
)
TOO_LONG = Failure(
    "too_long",
    "This grew longer than an answer may be at once. You can let it go on.",
    status="interrupted",
    allowance_returned=False,
)
BUDGET_USED_UP = Failure(
    "budget_used_up",
    "Going on would be more than the budget allows today. There is more at midnight UTC.",
    status="interrupted",
    allowance_returned=False,
)
MODEL_GONE = Failure("model_gone", "That model is no longer offered. Please begin a new chat.")
