"""What is paid for is not given up at once: while models are down it is tried again for an hour."""

from collections.abc import Sequence
from datetime import UTC, datetime

from db.models import GenerationRequest, ModelCall
from domain.generation.failures import GenerationFailed
from domain.generation.input import PAID

FOR_S = 3_600
SOONEST_S, LATEST_S = 5, 300
WAITING_SHARE = 0.25
"""Of the time it has been tried, so long is waited before the next time."""

DOWN = {
    *("model_busy", "model_moved", "model_timeout", "model_unreachable"),
    *("model_key_refused", "out_of_credit"),
}
"""Failures that say nothing about the request, and pass."""

TOLD = "The language models cannot be reached. We keep trying for an hour; your credit is safe."


def next_try_s(
    request: GenerationRequest, calls: Sequence[ModelCall], failure: GenerationFailed
) -> float | None:
    """In how many seconds to try again; None when the request ends with this failure.

    It ends as soon as any call may have been billed: no model is asked again for that.
    """
    if request.origin != PAID or failure.code not in DOWN or _billed(calls):
        return None
    tried_s = (datetime.now(UTC) - request.created_at).total_seconds()
    if tried_s >= FOR_S:
        return None
    wait_s = min(max(tried_s * WAITING_SHARE, SOONEST_S), LATEST_S)
    # The last time is when the hour is over, not before.
    return min(wait_s, FOR_S - tried_s)


def ended(calls: Sequence[ModelCall], failure: GenerationFailed) -> GenerationFailed:
    """The failure as it is told of a request that was paid for."""
    detail = failure.detail
    if failure.code in DOWN and not _billed(calls):
        detail = "The language models could not be reached for an hour, so we stopped trying."
    return GenerationFailed(
        failure.code,
        f"{detail} Your credit is back.",
        status=failure.status,
        allowance_returned=False,
    )


def _billed(calls: Sequence[ModelCall]) -> bool:
    return any(call.state != "unbilled" for call in calls)
