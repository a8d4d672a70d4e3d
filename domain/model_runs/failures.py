"""How a run ends without its result, in words a visitor understands."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from domain.llm.failures import ModelFailed

log = structlog.get_logger()


@dataclass(frozen=True)
class Failure:
    code: str
    detail: str
    status: str = "failed"
    """The run's, from then on."""
    allowance_returned: bool = True
    """Whether the run does not count against the caller's limit."""


class RunFailed(Exception):
    """The run ends here, for a reason that its caller is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def failure_of(error: BaseException, *, refused_status: str) -> Failure:
    """What the caller is told of an error; an unexpected one is logged."""
    if isinstance(error, RunFailed):
        return error.failure
    if isinstance(error, ModelFailed):
        status = refused_status if error.refused else "failed"
        return Failure(error.code, error.detail, status, allowance_returned=not error.refused)
    log.error("run_crashed", exc_info=error)
    return Failure("internal", "Something broke on our side. Please try again; it did not count.")


@asynccontextmanager
async def deadline(at: float, failure: Failure) -> AsyncGenerator[None]:
    """Cancel what is not done at a time of the event loop's clock.

    Raises:
        RunFailed: The time was over.
    """
    timeout = asyncio.timeout_at(at)
    try:
        async with timeout:
            yield
    except TimeoutError as error:
        if timeout.expired():
            raise RunFailed(failure) from error
        raise
