"""What the engine has to know of each kind of run: generation requests and chat turns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.model_runs import Call, ModelRunRepository, Run
from domain.jobs import Job
from domain.model_runs.failures import Failure


class RunKind(ABC, Generic[Run, Call]):
    """One kind of run: its rows, its jobs, its words, and how its cost is summed up."""

    name: ClassVar[str]
    """In log lines and in the name of the event stream."""
    repository: type[ModelRunRepository[Run, Call]]
    limit_policy: ClassVar[str]
    """The rate limit that a run counts against."""
    run_job: ClassVar[Job]
    settle_job: ClassVar[Job]
    return_job: ClassVar[Job]
    """Gives the run's place in the rate limit back."""
    last_events: ClassVar[frozenset[str]]
    """The names of the events that end the stream."""
    cancelled: ClassVar[Failure]
    model_gone: ClassVar[Failure]
    budget_used_up: ClassVar[Failure]
    refused_status: ClassVar[str] = "failed"
    """The status of a run whose topic the model declined."""

    @abstractmethod
    def last_event(self, run_id: UUID, run: Run | None) -> tuple[str, dict[str, Any]]:
        """The name and the data of the event that ends the stream of a finished run."""

    @abstractmethod
    def totals(self, calls: Sequence[Call], *, settled: bool) -> dict[str, Any]:
        """The columns of a run that sum up its calls; `settled` says that all costs are known."""

    @abstractmethod
    async def totals_changed(self, session: AsyncSession, run: Run) -> None:
        """Carry a run's totals on to what depends on them; the contended rows come last."""

    @abstractmethod
    async def run_of_hold(self, session: AsyncSession, hold_id: UUID) -> Run | None:
        """The run for which the ledger holds money under this id."""
