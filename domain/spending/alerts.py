"""Budget alerts for the operator: each finding once a day on every channel.

Findings follow from the current pots, so a worker that was down catches up later. An alert is
stored under a unique key before it is sent.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import BudgetAlert, BudgetPot
from db.repositories.alerts import AlertRepository
from db.repositories.budgets import BudgetRepository
from domain.jobs import Job
from domain.spending.budget import GLOBAL, WATCHED, Clock, utc_now
from domain.spending.channels import Channel, ChannelFailed

SEND_BUDGET_ALERT = Job(
    name="send_budget_alert",
    key="alert",
    parameters=("day", "pot", "level", "channel"),
    timeout_s=45,
)

SHARES = {"half": Decimal("0.5"), "soft": Decimal("0.8"), "hard": Decimal(1)}
"""The share of a pot's limit at which each level is reached."""

UNUSUAL_FACTOR = 3
"""Of today's spending to the mean of the last seven days, or of as many as there are."""

DAYS = 7
DAYS_FOR_MEAN = 3
"""Fewer days with spending make no mean."""

PROJECTED_AFTER_S = 3_600
"""A projection needs at least this much of the day."""

SENT_WITHIN = timedelta(days=2)
"""An older alert is no longer sent."""

RETRY_AFTER_S = (10, 20, 60, 300)

log = structlog.get_logger()


@dataclass(frozen=True)
class Finding:
    """A level that one pot reached on one day."""

    pot: str
    day: date
    level: str
    used_usd: Decimal
    limit_usd: Decimal


def findings(pots: Sequence[BudgetPot], now: datetime) -> list[Finding]:
    """The findings for the pots of the last days; `now` is UTC."""
    found: list[Finding] = []
    for pot in pots:
        used_usd = pot.reserved_usd + pot.spent_usd
        levels = [
            name for name, share in SHARES.items() if used_usd >= share * pot.limit_usd and used_usd
        ]
        # A limit of zero switches a pot off on purpose.
        if pot.refused_at and pot.limit_usd and "hard" not in levels:
            levels.append("hard")
        if pot.day == now.date() and _projected(pot, now) > pot.limit_usd:
            levels.append("projected")
        if pot.pot == GLOBAL and pot.day == now.date() and _unusual(pot, pots):
            levels.append("unusual")
        found += [Finding(pot.pot, pot.day, level, used_usd, pot.limit_usd) for level in levels]
    return found


def _projected(pot: BudgetPot, now: datetime) -> Decimal:
    """Spending by midnight at the present rate."""
    midnight = datetime.combine(now.date(), time(), UTC)
    elapsed_s = Decimal((now - midnight).total_seconds())
    if elapsed_s < PROJECTED_AFTER_S:
        return Decimal(0)
    return pot.spent_usd / elapsed_s * 86_400


def _unusual(today: BudgetPot, pots: Sequence[BudgetPot]) -> bool:
    before = [
        pot.spent_usd
        for pot in pots
        if pot.pot == GLOBAL and today.day - timedelta(days=DAYS) <= pot.day < today.day
    ]
    if len(before) < DAYS_FOR_MEAN:
        return False
    return today.spent_usd > UNUSUAL_FACTOR * sum(before, Decimal(0)) / len(before) > 0


class Alerts:
    """Checks the pots, stores new alerts and sends them."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        channels: Mapping[str, Channel],
        clock: Clock = utc_now,
    ) -> None:
        self._sessions = sessions
        self._channels = channels
        self._clock = clock

    async def watch(self) -> int:
        """Store new findings for every channel; returns how many."""
        now = self._clock().astimezone(UTC)
        since = now.date() - timedelta(days=DAYS)
        async with self._sessions.begin() as session:
            budgets = BudgetRepository(session)
            found = findings(await budgets.pots_since(since, WATCHED), now)
            found += [
                Finding(GLOBAL, day, "beyond_quote", spent_usd, held_usd)
                for day, spent_usd, held_usd in await budgets.beyond_quotes(since)
            ]
            new = 0
            for finding in found:
                for channel in self._channels:
                    new += await self._store(session, finding, channel, now)
        return new

    async def payments_differ(self) -> None:
        """Store, once a day for every channel, that payments differ from Stripe's figures."""
        now = self._clock().astimezone(UTC)
        finding = Finding("payments", now.date(), "payments_differ", Decimal(0), Decimal(0))
        async with self._sessions.begin() as session:
            for channel in self._channels:
                await self._store(session, finding, channel, now)

    async def _store(
        self, session: AsyncSession, finding: Finding, channel: str, now: datetime
    ) -> bool:
        alert = BudgetAlert(
            pot=finding.pot,
            day=finding.day,
            level=finding.level,
            channel=channel,
            used_usd=finding.used_usd,
            limit_usd=finding.limit_usd,
            detected_at=now,
        )
        if not await AlertRepository(session).add(alert):
            return False
        await SEND_BUDGET_ALERT.enqueue(
            session, alert.day.isoformat(), alert.pot, alert.level, channel
        )
        return True

    async def send(self, pot: str, day: date, level: str, channel: str) -> None:
        """Send an alert on one channel, unless it was sent or is being sent."""
        async with self._sending(pot, day, level, channel) as alert:
            if alert is None:
                return
            if channel not in self._channels or day < (self._clock() - SENT_WITHIN).date():
                log.error("alert_expired", channel=channel, pot=pot, level=level)
                return
            await self._channels[channel].send(alert)
            log.info("alert_sent", channel=channel, pot=pot, level=level)

    @asynccontextmanager
    async def _sending(
        self, pot: str, day: date, level: str, channel: str
    ) -> AsyncGenerator[BudgetAlert | None]:
        """Claim the alert (None if impossible); afterwards mark it sent, or schedule a retry."""
        async with self._sessions.begin() as session:
            alerts = AlertRepository(session)
            alert = await alerts.claim(pot, day, level, channel)
            job_values = (day.isoformat(), pot, level, channel)
            if alert is None and not await alerts.is_open(pot, day, level, channel):
                await SEND_BUDGET_ALERT.done(session, *job_values)
        try:
            yield alert
        except ChannelFailed as error:
            log.warning("alert_not_sent", channel=channel, error=str(error))
            async with self._sessions.begin() as session:
                await AlertRepository(session).release(pot, day, level, channel)
                attempts = await SEND_BUDGET_ALERT.attempts(session, *job_values)
                delay_s = RETRY_AFTER_S[min(attempts, len(RETRY_AFTER_S)) - 1]
                await SEND_BUDGET_ALERT.postpone(session, *job_values, delay_s=delay_s)
            return
        if alert is not None:
            async with self._sessions.begin() as session:
                await AlertRepository(session).mark_sent(pot, day, level, channel)
                await SEND_BUDGET_ALERT.done(session, *job_values)
