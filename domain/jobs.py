"""Background jobs: declared beside the code that needs them, enqueued through the outbox.

`jobs/` has the function that runs each. A job is a row of `outbox` until it is done, so it survives
a lost queue and a killed worker, and may run more than once.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from db.repositories.outbox import OutboxRepository
from domain.infra.logging import current_request_id

DECLARED: "dict[str, Job]" = {}
"""Every job of the product, by name."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One kind of background job and how the queue runs it.

    The methods take the values of `parameters`, in order, and belong to the caller's transaction.
    """

    name: str
    """In the outbox, the queue and the log."""
    key: str
    """Begins the outbox key; with the values it names one job, which is enqueued at most once."""
    parameters: tuple[str, ...]
    """What the job is about, as the function that runs it names it."""
    timeout_s: int
    heartbeat_s: int = 0
    """A running job that is silent for longer counts as lost; 0: only its timeout ends it."""
    retries: int = 3
    ttl_s: int = 60
    """How long the queue keeps the result."""
    retry_delay_s: float = 1
    retry_delay_at_most_s: float = 10
    """The delay doubles up to this."""

    def __post_init__(self) -> None:
        if self.name in DECLARED:
            raise ValueError(f"There are two jobs named {self.name}.")
        DECLARED[self.name] = self

    def key_of(self, *values: UUID | str) -> str:
        return ":".join([self.key, *map(str, values)])

    async def enqueue(self, session: AsyncSession, *values: UUID | str) -> None:
        """Have the job run once this transaction has committed; one that waits stays as it is."""
        arguments: dict[str, Any] = dict(
            zip(self.parameters, map(str, values), strict=True),
            meta={"request_id": current_request_id()},
        )
        await OutboxRepository(session).add(self.name, self.key_of(*values), arguments)

    async def done(self, session: AsyncSession, *values: UUID | str) -> None:
        await OutboxRepository(session).done(self.key_of(*values))

    async def postpone(self, session: AsyncSession, *values: UUID | str, delay_s: float) -> None:
        """Run it again after a while."""
        await OutboxRepository(session).postpone(self.key_of(*values), delay_s)

    async def attempts(self, session: AsyncSession, *values: UUID | str) -> int:
        """How often it was handed to the queue."""
        return await OutboxRepository(session).attempts(self.key_of(*values))
