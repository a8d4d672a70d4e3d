"""Alerts on spending: each once a day to every channel, whoever crashes, and none forgotten."""

import asyncio
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy import text

from db.models import BudgetPot
from db.repositories.alerts import AlertRepository
from db.repositories.budgets import BudgetRepository
from domain.caller import SCHEDULER, Caller
from domain.generation.input import GenerationInput, quote_usd
from domain.spending.alerts import Alerts, findings
from domain.spending.budget import Budget, BudgetLimits, BudgetUsedUp
from domain.spending.channels import EmailChannel, PostHogChannel, SlackChannel, channels_of
from tests.configuration import settings
from tests.fixtures.generation import MODEL, requests_with
from tests.processes import running_worker, until
from tests.sinks import Received, receiving_json, receiving_mail

PLENTY = Decimal(1_000)
LIMITS = BudgetLimits(Decimal(1), *[PLENTY] * 7)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EARLY = NOON.replace(hour=0, minute=30)
"""Before the end of the day is projected."""

TODAY = NOON.date()


@pytest.fixture
def slack() -> Generator[Received]:
    with receiving_json() as received:
        yield received


@pytest.fixture
def posthog() -> Generator[Received]:
    with receiving_json() as received:
        yield received


@pytest.fixture
def mail() -> Generator[Received]:
    with receiving_mail() as received:
        yield received


@pytest.fixture
def worker(database, slack, posthog, mail):
    """A worker's alerts: each call is one that has just been started."""

    def start(now: datetime = EARLY) -> Alerts:
        channels = {
            "email": EmailChannel(mail.url, "site@factoids.test", "owner@factoids.test"),
            "slack": SlackChannel(f"{slack.url}/services/secret"),
            "posthog": PostHogChannel(posthog.url, "phc_key"),
        }
        return Alerts(database.sessions, channels, lambda: now)

    return start


@pytest.fixture
def spend(database):
    """Spend an amount, or hold it until the returned function lets it go."""

    async def spend(amount: str, *, hold: bool = False, limits=LIMITS, now=EARLY):
        request_id = uuid4()
        async with database.sessions.begin() as session:
            budget = Budget(limits, lambda: now)
            await budget.reserve(session, SCHEDULER, request_id, Decimal(amount))
        if not hold:
            async with database.sessions.begin() as session:
                await BudgetRepository(session).settle(request_id, Decimal(amount))

        async def let_go() -> None:
            async with database.sessions.begin() as session:
                await BudgetRepository(session).release(request_id)

        return let_go

    return spend


@pytest.fixture
def tell(database, worker):
    """Work off what is written down, once each, as the queue would."""

    async def tell(now: datetime = EARLY) -> None:
        async with database.sessions() as session:
            rows = await session.scalars(text("SELECT arguments FROM outbox"))
            written = list(rows)
        for one in written:
            day = date.fromisoformat(one["day"])
            await worker(now).send(one["pot"], day, one["level"], one["channel"])

    return tell


async def _outbox(database) -> int:
    async with database.sessions() as session:
        return await session.scalar(text("SELECT count(*) FROM outbox"))


async def test_each_level_is_told_once_to_each_channel_however_long_spending_hovers(
    worker, spend, tell, slack, posthog, mail, database
):
    for amount in ("0.45", "0.05", "0.25", "0.05", "0.1", "0.1"):
        let_go = await spend(amount, hold=True)
        await worker().watch()
        await let_go()
        await worker().watch()
        await spend(amount)
        await worker().watch()
        await tell()
        assert await worker().watch() == 0

    levels = ["half", "soft", "hard"]
    assert [one["properties"]["level"] for one in posthog.bodies] == levels
    assert [one["text"].partition(" ")[0] for one in slack.bodies] == ["Half", "80", "Today's"]
    assert len(mail.mails) == 3
    assert await _outbox(database) == 0


async def test_what_crossed_while_no_worker_ran_is_told_when_one_does(worker, spend, tell, posthog):
    await spend("0.9", now=NOON - timedelta(days=1))
    await worker(NOON).watch()
    await tell(NOON)

    told = [(one["properties"]["day"], one["properties"]["level"]) for one in posthog.bodies]
    assert told == [("2026-11-20", "half"), ("2026-11-20", "soft")]


async def test_a_new_day_is_told_of_anew(worker, spend, tell, posthog):
    for days in range(2):
        now = EARLY + timedelta(days=days)
        await spend("0.6", now=now)
        await worker(now).watch()
        await tell(now)

    assert [one["properties"]["day"] for one in posthog.bodies] == ["2026-11-21", "2026-11-22"]


async def test_many_workers_at_once_tell_it_once(worker, spend, slack, database):
    await spend("0.6")
    await asyncio.gather(*(worker().watch() for _ in range(8)))
    await asyncio.gather(
        *(worker().send("global", EARLY.date(), "half", "slack") for _ in range(8))
    )

    assert len(slack.bodies) == 1
    assert await _outbox(database) == 2


async def test_a_channel_that_is_away_is_told_later_and_the_others_at_once(
    worker, spend, tell, slack, posthog, mail, database
):
    slack.open = mail.open = False
    await spend("0.6")
    await worker().watch()
    await tell()
    told_at_once = (len(slack.bodies), len(posthog.bodies), len(mail.mails))
    waiting = await _outbox(database)

    slack.open = mail.open = True
    await tell()

    assert (told_at_once, waiting) == ((0, 1, 0), 2)
    assert (len(slack.bodies), len(posthog.bodies), len(mail.mails)) == (1, 1, 1)
    assert await _outbox(database) == 0


async def test_an_alert_whose_worker_was_killed_while_telling_it_is_told_by_the_next(
    worker, spend, slack, database
):
    """Whether the killed one had been heard nobody knows; ids let receivers tell."""
    await spend("0.6")
    await worker().watch()
    this = ("global", EARLY.date(), "half", "slack")
    async with database.sessions.begin() as session:
        assert await AlertRepository(session).claim(*this)

    await worker().send(*this)
    meanwhile = len(slack.bodies)
    async with database.sessions.begin() as session:
        await session.execute(
            text("UPDATE budget_alerts SET claimed_at = claimed_at - interval '61 seconds'")
        )
    await worker().send(*this)

    assert (meanwhile, len(slack.bodies)) == (0, 1)


async def test_what_is_told_has_figures_and_an_id_that_stays_the_same(
    worker, spend, tell, slack, posthog, mail, database
):
    await spend("0.5")
    await worker().watch()
    await tell()
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE budget_alerts SET sent_at = NULL, claimed_at = NULL"))
    for channel in ("email", "posthog"):
        await worker().send("global", EARLY.date(), "half", channel)

    assert slack.bodies[0]["path"] == "/services/secret"
    assert slack.bodies[0]["text"] == (
        "Half of today's budget for all spending is used"
        " (0.500000 of 1.000000 US dollars, 2026-11-21 UTC)."
    )
    first, again = posthog.bodies
    assert first["api_key"] == "phc_key"
    assert first["uuid"] == again["uuid"]
    one, repeated = mail.mails
    assert one["To"] == "owner@factoids.test"
    assert one["Message-ID"] == repeated["Message-ID"]
    assert "0.500000 of 1.000000" in str(one.get_payload())


async def test_a_request_that_is_refused_is_told_though_something_is_left(
    worker, tell, posthog, database, redis, model
):
    limits = replace(LIMITS, global_usd=quote_usd(model) * Decimal("1.2"))
    requests = requests_with(database, redis, limits, lambda: EARLY)
    caller = Caller("visitor", uuid4(), "192.0.2.0/24")
    state = await requests.create(caller, GenerationInput(None, MODEL), origin="manual")
    with pytest.raises(BudgetUsedUp):
        await requests.create(caller, GenerationInput(None, MODEL), origin="manual")
    await requests.cancel(caller, state.request.id)

    await worker().watch()
    await tell()

    assert [one["properties"]["level"] for one in posthog.bodies] == ["hard"]


async def test_a_provider_that_charged_too_much_is_told(worker, tell, posthog, database, spend):
    request_id = uuid4()
    async with database.sessions.begin() as session:
        await Budget(LIMITS, lambda: EARLY).reserve(session, SCHEDULER, request_id, Decimal("0.1"))
        await BudgetRepository(session).settle(request_id, Decimal("0.2"))

    await worker().watch()
    await tell()

    (told,) = [one["properties"] for one in posthog.bodies]
    assert (told["level"], told["used_usd"], told["limit_usd"]) == ("beyond_quote", 0.2, 0.1)


async def test_a_real_worker_tells_what_was_written_down(worker, spend, slack, database):
    await spend("0.6", now=datetime.now(UTC))
    await Alerts(database.sessions, {"slack": SlackChannel(slack.url)}).watch()

    async def told() -> bool:
        return bool(slack.bodies)

    async with running_worker(SLACK_WEBHOOK_URL=f"{slack.url}/services/canary") as running:
        await until(told, "the alert")
        assert "canary" not in running.log

    assert slack.bodies[0]["path"] == "/services/canary"


def test_channels_that_are_not_set_up_are_off():
    assert list(channels_of(settings)) == ["log"]


def pot(
    name: str = "global",
    *,
    day: date = TODAY,
    limit: str = "1",
    reserved: str = "0",
    spent: str = "0",
    refused: bool = False,
) -> BudgetPot:
    return BudgetPot(
        pot=name,
        day=day,
        limit_usd=Decimal(limit),
        reserved_usd=Decimal(reserved),
        spent_usd=Decimal(spent),
        refused_at=NOON if refused else None,
    )


def week(*spent: str) -> list[BudgetPot]:
    """The global pots of the days before, the last of them yesterday."""
    return [
        pot(day=NOON.date() - timedelta(days=len(spent) - place), spent=amount)
        for place, amount in enumerate(spent)
    ]


@pytest.mark.parametrize(
    ("pots", "now", "levels"),
    [
        pytest.param([pot(spent="0.49")], NOON.replace(hour=23), [], id="under half"),
        pytest.param([pot(spent="0.5")], NOON.replace(hour=23), ["half"], id="half"),
        pytest.param([pot(reserved="0.5")], NOON, ["half"], id="half of it held"),
        pytest.param([pot(spent="0.79")], NOON.replace(hour=23), ["half"], id="under 80 %"),
        pytest.param([pot(spent="0.8")], NOON.replace(hour=23), ["half", "soft"], id="80 %"),
        pytest.param([pot(spent="1")], EARLY, ["half", "soft", "hard"], id="all"),
        pytest.param([pot(refused=True)], EARLY, ["hard"], id="refused"),
        pytest.param([pot(limit="0", refused=True)], EARLY, [], id="closed on purpose"),
        pytest.param([pot(spent="0.49")], NOON.replace(hour=11), ["projected"], id="too fast"),
        pytest.param([pot(spent="0.49")], EARLY, [], id="too early to tell"),
        pytest.param([*week(*["0.1"] * 7), pot(spent="0.31")], EARLY, ["unusual"], id="over 3x"),
        pytest.param([*week(*["0.1"] * 7), pot(spent="0.3")], EARLY, [], id="just 3x"),
        pytest.param([*week("0.1", "0.1"), pot(spent="0.4")], EARLY, [], id="too young a site"),
        pytest.param([*week(*["0"] * 7), pot(spent="0.4")], EARLY, [], id="nothing to compare"),
    ],
)
def test_what_there_is_to_tell_follows_from_the_pots(pots, now, levels):
    found = [one for one in findings(pots, now) if one.day == now.date()]

    assert [one.level for one in found] == levels
