"""Which function runs which job, and what runs on a schedule; `@runs` and `@cron` fill both."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from domain.jobs import DECLARED, Job
from settings import Settings

JobFunction = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=JobFunction)


@dataclass(frozen=True)
class Scheduled:
    """A function that one worker runs at each moment of a schedule."""

    function: JobFunction
    schedule: str | Callable[[Settings], str]
    """Cron syntax, UTC."""
    timeout_s: int

    def schedule_in(self, settings: Settings) -> str:
        return self.schedule if isinstance(self.schedule, str) else self.schedule(settings)


FUNCTIONS: dict[str, JobFunction] = {}
SCHEDULED: list[Scheduled] = []


def runs(job: Job) -> Callable[[F], F]:
    """Register the function that runs a job; it is called with the job's parameters as text."""

    def register(function: F) -> F:
        if job.name in FUNCTIONS:
            raise ValueError(f"Two functions run {job.name}.")
        FUNCTIONS[job.name] = function
        return function

    return register


def cron(schedule: str | Callable[[Settings], str], *, timeout_s: int) -> Callable[[F], F]:
    """Run the function on this schedule; a run without a heartbeat ends by its timeout alone."""

    def register(function: F) -> F:
        SCHEDULED.append(Scheduled(function, schedule, timeout_s))
        return function

    return register


def check_job_functions() -> None:
    """Refuse to start a worker that does not know all jobs.

    Raises:
        LookupError: A job has no function, or a function's job is declared nowhere.
    """
    if unmatched := sorted(DECLARED.keys() ^ FUNCTIONS.keys()):
        raise LookupError(f"Declared or run, but not both: {', '.join(unmatched)}.")
