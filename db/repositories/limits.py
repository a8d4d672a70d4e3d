"""Counts of admissions and refusals, anomalies, and uses counted while Redis is unavailable."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Anomaly, FallbackUse, RateLimitSnapshot


class LimitRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def uses(self, subject: str, within_s: int) -> list[float]:
        """The age of each use in seconds, the oldest first; locks the subject until the commit."""
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"uses {subject}", 0))
        await self._session.execute(select(lock))
        now = func.clock_timestamp()
        ago = func.extract("epoch", now - FallbackUse.used_at)
        found = await self._session.scalars(
            select(ago)
            .where(FallbackUse.subject == subject)
            .where(FallbackUse.used_at > now - timedelta(seconds=within_s))
            .order_by(FallbackUse.used_at)
        )
        return [float(age_s) for age_s in found]

    async def add_uses(self, subjects: Sequence[str]) -> None:
        await self._session.execute(
            insert(FallbackUse), [{"subject": subject} for subject in subjects]
        )

    async def put_snapshots(self, rows: Sequence[dict[str, Any]]) -> None:
        """Store the counts of whole minutes; repeating it changes nothing."""
        statement = insert(RateLimitSnapshot)
        counts = {
            name: statement.excluded[name] for name in ("admitted", "refused", "refused_by_network")
        }
        keys = ["minute", "policy", "caller_kind", "window"]
        await self._session.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=counts), rows
        )

    async def put_anomalies(self, rows: Sequence[dict[str, Any]]) -> None:
        """Store anomalies; existing ones are kept."""
        await self._session.execute(insert(Anomaly).on_conflict_do_nothing(), rows)

    async def delete_older_than(self, *, days: int, uses_s: int) -> None:
        """Delete rows past their retention."""
        oldest = func.now() - timedelta(days=days)
        past = func.now() - timedelta(seconds=uses_s)
        await self._session.execute(
            delete(RateLimitSnapshot).where(RateLimitSnapshot.minute < oldest)
        )
        await self._session.execute(delete(Anomaly).where(Anomaly.detected_at < oldest))
        await self._session.execute(delete(FallbackUse).where(FallbackUse.used_at < past))
