"""Retrying paid requests: while models are down they are tried again for an hour."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from db.models import GenerationRequest, ModelCall
from domain.generation.input import PAID
from domain.model_runs.failures import Failure

RETRY_FOR_S = 3_600
DELAY_AT_LEAST_S, DELAY_AT_MOST_S = 5, 300
DELAY_SHARE = 0.25
"""The delay before the next try, as a share of the time since the request was made."""

TEMPORARY = {
    *("model_busy", "model_moved", "model_timeout", "model_unreachable"),
    *("model_key_refused", "out_of_credit"),
}
"""Codes of failures that pass and do not depend on the request."""

RETRYING = "The language models cannot be reached. We keep trying for an hour; your credit is safe."


def next_try_s(
    request: GenerationRequest, calls: Sequence[ModelCall], failure: Failure
) -> float | None:
    """In how many seconds to try again; None when the request ends with this failure.

    It ends as soon as any call may have been billed: no model is asked again for that.
    """
    if request.origin != PAID or failure.code not in TEMPORARY or _billed(calls):
        return None
    elapsed_s = (datetime.now(UTC) - request.created_at).total_seconds()
    if elapsed_s >= RETRY_FOR_S:
        return None
    delay_s = min(max(elapsed_s * DELAY_SHARE, DELAY_AT_LEAST_S), DELAY_AT_MOST_S)
    # The last try is made when the hour is over, not before.
    return min(delay_s, RETRY_FOR_S - elapsed_s)


def final_failure(calls: Sequence[ModelCall], failure: Failure) -> Failure:
    """The failure of a paid request, in words for whoever has paid."""
    detail = failure.detail
    if failure.code in TEMPORARY and not _billed(calls):
        detail = "The language models could not be reached for an hour, so we stopped trying."
    return replace(failure, detail=f"{detail} Your credit is back.", allowance_returned=False)


def _billed(calls: Sequence[ModelCall]) -> bool:
    return any(call.state != "unbilled" for call in calls)
