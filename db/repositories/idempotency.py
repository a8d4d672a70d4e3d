"""Calls that must not happen twice.

Each method is one statement, which needs no transaction around it. What a crash of the database
itself loses of them is made up for: a repeat finds what was made by its id.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import IdempotencyKey

UNHURRIED = "set_config('synchronous_commit', 'off', true)"
"""In a statement: it is not waited for until it is on the disk."""

ACQUIRE = text(f"""
INSERT INTO idempotency_keys AS there
  (caller_id, operation, key, fingerprint, result_id, state, locked_by, locked_until)
  VALUES (:caller_id, :operation, :key, :fingerprint, :result_id, 'running', :holder,
    now() + make_interval(secs => :held_s))
ON CONFLICT (caller_id, operation, key) DO UPDATE SET
  fingerprint = excluded.fingerprint,
  result_id = CASE WHEN there.created_at < now() - make_interval(secs => :kept_s)
    THEN excluded.result_id ELSE there.result_id END,
  created_at = CASE WHEN there.created_at < now() - make_interval(secs => :kept_s)
    THEN now() ELSE there.created_at END,
  state = 'running', locked_by = excluded.locked_by, locked_until = excluded.locked_until,
  status = NULL, headers = NULL, body = NULL
WHERE there.created_at < now() - make_interval(secs => :kept_s)
  OR there.state = 'running' AND there.locked_until <= now()
    AND there.fingerprint = excluded.fingerprint
RETURNING there.result_id, {UNHURRIED}
""")

HELD = """
caller_id = :caller_id AND operation = :operation AND key = :key AND locked_by = :holder
  AND state = 'running'"""

STORE = text(f"""
UPDATE idempotency_keys SET state = 'done', status = :status, headers = :headers, body = :body
  WHERE {HELD} RETURNING {UNHURRIED}
""").bindparams(bindparam("headers", type_=JSONB))
EXTEND_LOCK = text(f"""
UPDATE idempotency_keys SET locked_until = now() + make_interval(secs => :held_s) WHERE {HELD}
""")
DELETE_LOCKED = text(f"DELETE FROM idempotency_keys WHERE {HELD}")


@dataclass(frozen=True)
class KeyRef:
    """The primary key of a row: whose key it is, the operation it is used for, and the key."""

    caller_id: UUID
    operation: str
    key: str


class IdempotencyRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def acquire(
        self,
        ref: KeyRef,
        *,
        fingerprint: bytes,
        result_id: UUID,
        holder: UUID,
        held_s: float,
        kept_s: float,
    ) -> UUID | None:
        """Acquire the lock of a key; None if its response is stored or another holder has the lock.

        A key older than `kept_s` counts as new. An expired or released lock can be acquired by a
        call with the same fingerprint.

        Returns:
            The id for what the call creates. All attempts with this key have the same.
        """
        return await self._session.scalar(
            ACQUIRE,
            {
                **vars(ref),
                "fingerprint": fingerprint,
                "result_id": result_id,
                "holder": holder,
                "held_s": held_s,
                "kept_s": kept_s,
            },
        )

    async def get(self, ref: KeyRef) -> IdempotencyKey | None:
        return await self._session.scalar(select(IdempotencyKey).filter_by(**vars(ref)))

    async def store(
        self,
        ref: KeyRef,
        holder: UUID,
        *,
        status: int,
        headers: list[tuple[str, str]],
        body: bytes,
    ) -> None:
        """Store the response, if the holder still has the lock."""
        answer = {"status": status, "headers": headers, "body": body}
        await self._session.execute(STORE, {**vars(ref), "holder": holder, **answer})

    async def extend_lock(self, ref: KeyRef, holder: UUID, held_s: float) -> None:
        """Extend the lock to this many seconds from now; 0 releases it."""
        await self._session.execute(EXTEND_LOCK, {**vars(ref), "holder": holder, "held_s": held_s})

    async def delete(self, ref: KeyRef, holder: UUID) -> None:
        await self._session.execute(DELETE_LOCKED, {**vars(ref), "holder": holder})

    async def delete_results(self, caller_id: UUID, result_ids: Collection[UUID]) -> None:
        """Delete the stored responses to the calls that created these."""
        await self._session.execute(
            delete(IdempotencyKey).where(
                IdempotencyKey.caller_id == caller_id, IdempotencyKey.result_id.in_(result_ids)
            )
        )

    async def delete_old(self, kept_s: float) -> int:
        """Delete older keys; returns how many."""
        old = IdempotencyKey.created_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, kept_s)
        gone = await self._session.scalars(
            delete(IdempotencyKey).where(old).returning(IdempotencyKey.result_id)
        )
        return len(gone.all())
