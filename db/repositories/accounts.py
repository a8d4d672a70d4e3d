"""API keys, and visitor identities that were signed out."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import ApiKey, GenerationRequest, SignedOutVisitor
from db.reads import Reads

CHANGED = """
SELECT id, true AS is_key, revoked_at IS NOT NULL AS is_over FROM api_keys WHERE changed_at >= $1
UNION ALL SELECT visitor_id, false, true FROM signed_out_visitors WHERE signed_out_at >= $1
"""


class KnownKey(msgspec.Struct, frozen=True):
    """The fields of an API key that authentication needs."""

    id: UUID
    owner_id: UUID | None
    scopes: list[str]
    key_hash: bytes
    previous_key_hash: bytes | None
    previous_key_expires_at: datetime | None
    rate_limit: str | None
    budget_usd: Decimal | None
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyUsage(msgspec.Struct, frozen=True):
    """The use of a key since a point in time."""

    generations: int = 0
    spent_usd: Decimal = Decimal(0)


class AccountReads:
    """The reads behind the credential cache of every process, on plain asyncpg."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    async def key(self, key_id: UUID) -> KnownKey | None:
        columns = ", ".join(KnownKey.__struct_fields__)
        row = await self._reads.fetchrow(f"SELECT {columns} FROM api_keys WHERE id = $1", key_id)
        return KnownKey(*row) if row else None

    async def changed(self, since: datetime | None) -> tuple[datetime, list[UUID], list[UUID]]:
        """The changes since a time of Postgres' clock; without one, all revocations.

        Returns:
            Postgres' clock before the query, the ids of changed keys, and the ids of revoked keys
            and signed-out identities.
        """
        now = await self._reads.fetchval("SELECT clock_timestamp()")
        rows = await self._reads.fetch(CHANGED, since or datetime.min.replace(tzinfo=UTC))
        keys = [row["id"] for row in rows if row["is_key"]]
        return now, keys, [row["id"] for row in rows if row["is_over"]]


class AccountRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_creation(self, *subjects: UUID | str | None) -> None:
        """Serialize the creation of keys of the same owner or network until this commits."""
        for subject in subjects:
            name = func.hashtextextended(f"api_keys {subject}", 0)
            await self._session.execute(select(func.pg_advisory_xact_lock(name)))

    async def add(self, key: ApiKey) -> ApiKey:
        self._session.add(key)
        await self._session.flush()
        await self._session.refresh(key)
        return key

    async def of_owner(self, owner_id: UUID, limit: int) -> list[ApiKey]:
        """The newest first."""
        return list(await self._session.scalars(_newest(limit).where(ApiKey.owner_id == owner_id)))

    async def newest(self, limit: int) -> list[ApiKey]:
        return list(await self._session.scalars(_newest(limit)))

    async def count_live(self, owner_id: UUID) -> int:
        """The number of an owner's keys that are neither revoked nor expired."""
        live = (
            ApiKey.owner_id == owner_id,
            ApiKey.revoked_at.is_(None),
            func.coalesce(ApiKey.expires_at > func.now(), True),
        )
        return await self._session.scalar(select(func.count()).where(*live)) or 0

    async def made_from(self, network: str, since: datetime) -> list[datetime]:
        """When keys were created from a network, oldest first."""
        made = select(ApiKey.created_at).where(
            ApiKey.network == network, ApiKey.created_at >= since
        )
        return list(await self._session.scalars(made.order_by(ApiKey.created_at)))

    async def get_locked(self, key_id: UUID) -> ApiKey | None:
        return await self._session.scalar(
            select(ApiKey).where(ApiKey.id == key_id).with_for_update()
        )

    async def now(self) -> datetime:
        """Postgres' clock, which orders changes for all processes."""
        now = await self._session.scalar(select(func.clock_timestamp()))
        assert now is not None
        return now

    async def revoke_of_owner(self, owner_id: UUID) -> list[UUID]:
        """Revoke all keys of an owner.

        Returns:
            The ids of those that were not revoked before.
        """
        now = func.clock_timestamp()
        revoked = await self._session.scalars(
            update(ApiKey)
            .where(ApiKey.owner_id == owner_id, ApiKey.revoked_at.is_(None))
            .values(revoked_at=now, changed_at=now)
            .returning(ApiKey.id)
        )
        return list(revoked)

    async def sign_out(self, visitor_id: UUID, network: str | None) -> None:
        await self._session.execute(
            insert(SignedOutVisitor)
            .values(visitor_id=visitor_id, network=network, signed_out_at=func.clock_timestamp())
            .on_conflict_do_nothing()
        )

    async def is_signed_out(self, visitor_id: UUID) -> bool:
        return await self._session.get(SignedOutVisitor, visitor_id) is not None

    async def signed_out_from(self, network: str, since: datetime) -> list[datetime]:
        """When identities were signed out from a network, oldest first."""
        times = select(SignedOutVisitor.signed_out_at).where(
            SignedOutVisitor.network == network, SignedOutVisitor.signed_out_at >= since
        )
        return list(await self._session.scalars(times.order_by(SignedOutVisitor.signed_out_at)))

    async def record_use(self, key_id: UUID, used_at: datetime) -> None:
        latest = func.greatest(func.coalesce(ApiKey.last_used_at, used_at), used_at)
        await self._session.execute(
            update(ApiKey).where(ApiKey.id == key_id).values(last_used_at=latest)
        )

    async def replace_hash(self, key_id: UUID, old: bytes, new: bytes) -> None:
        """Replace a hash with that under the current server secret, unless the key was rotated."""
        for column in (ApiKey.key_hash, ApiKey.previous_key_hash):
            await self._session.execute(
                update(ApiKey)
                .where(ApiKey.id == key_id, column == old)
                .values({column: new, ApiKey.changed_at: func.clock_timestamp()})
            )

    async def usage(self, key_ids: Iterable[UUID], since: datetime) -> dict[UUID, KeyUsage]:
        """The use of keys since then; unused keys are left out."""
        rows = await self._session.execute(
            select(
                GenerationRequest.caller_id,
                func.count(),
                func.coalesce(func.sum(GenerationRequest.cost_usd), 0),
            )
            .where(
                GenerationRequest.caller_id.in_(list(key_ids)),
                GenerationRequest.created_at >= since,
            )
            .group_by(GenerationRequest.caller_id)
        )
        return {
            key_id: KeyUsage(count, spent or Decimal(0)) for key_id, count, spent in rows if key_id
        }

    async def delete_expired_sign_outs(self, older_than: timedelta) -> int:
        """Delete identities whose cookies have all expired."""
        gone: Any = await self._session.execute(
            SignedOutVisitor.__table__.delete().where(  # pyright: ignore[reportAttributeAccessIssue]
                SignedOutVisitor.signed_out_at < func.now() - older_than
            )
        )
        return gone.rowcount


def _newest(limit: int) -> Select[ApiKey]:
    return select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id.desc()).limit(limit)
