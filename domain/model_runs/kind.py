"""What the engine has to know of each kind of run: generation requests and chat turns."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.model_runs import Call, ModelRunRepository, Run
from db.repositories.outbox import OutboxRepository
from domain.infra.logging import current_request_id
from domain.model_runs.failures import Failure


@dataclass(frozen=True)
class RunJob:
    """A job that a run has at most once; each method belongs to the caller's transaction."""

    name: str
    key_prefix: str
    argument: str

    def key(self, run_id: UUID) -> str:
        return f"{self.key_prefix}:{run_id}"

    async def add(self, session: AsyncSession, run_id: UUID) -> None:
        """Write the job to the outbox, unless it is there already."""
        arguments: dict[str, Any] = {
            self.argument: str(run_id),
            "meta": {"request_id": current_request_id()},
        }
        await OutboxRepository(session).add(self.name, self.key(run_id), **arguments)

    async def done(self, session: AsyncSession, run_id: UUID) -> None:
        await OutboxRepository(session).done(self.key(run_id))

    async def postpone(self, session: AsyncSession, run_id: UUID, delay_s: float) -> None:
        await OutboxRepository(session).postpone(self.key(run_id), delay_s)

    async def attempts(self, session: AsyncSession, run_id: UUID) -> int:
        return await OutboxRepository(session).attempts(self.key(run_id))


class RunKind(ABC, Generic[Run, Call]):
    """One kind of run: its rows, its jobs, its words, and how its cost is summed up."""

    name: ClassVar[str]
    """In log lines and in the name of the event stream."""
    repository: type[ModelRunRepository[Run, Call]]
    limit_policy: ClassVar[str]
    """The rate limit that a run counts against."""
    run_job: ClassVar[RunJob]
    settle_job: ClassVar[RunJob]
    return_job: ClassVar[RunJob]
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
