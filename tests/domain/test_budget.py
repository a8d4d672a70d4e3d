"""What may be spent: held before it is spent, and never more than there is."""

import asyncio
import os
import random
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.repositories.budgets import BudgetRepository
from domain.caller import SCHEDULER, Caller
from domain.generation.input import GenerationInput, quote_usd
from domain.spending.budget import Budget, BudgetLimits, BudgetUsedUp
from tests.fixtures.generation import MODEL, requests_with, waiting_for_table
from tests.processes import run_command, until
from tests.proof import at_length

PLENTY = Decimal(1_000)
LIMITS = BudgetLimits(*[PLENTY] * 8)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOON.date()


def visitor() -> Caller:
    return Caller("visitor", uuid4(), "192.0.2.0/24")


def usd(amount: str | int) -> Decimal:
    return Decimal(amount)


@pytest.fixture
def reserve(database):
    """Hold an amount for a caller, with a budget of these limits at this moment."""

    async def hold(
        caller: Caller, amount: str | int, limits: BudgetLimits = LIMITS, now: datetime = NOON
    ) -> UUID:
        request_id = uuid4()
        async with database.sessions.begin() as session:
            await Budget(limits, lambda: now).reserve(session, caller, request_id, usd(amount))
        return request_id

    return hold


@pytest.fixture
def books(database):
    """Run one step of the ledger in a transaction of its own."""

    async def book(step: str, *arguments):
        async with database.sessions.begin() as session:
            return await getattr(BudgetRepository(session), step)(*arguments)

    return book


@pytest.fixture
def pots(database):
    """What is held and what is spent in each pot of a day."""

    async def read(day: date = TODAY) -> dict[str, tuple[Decimal, Decimal]]:
        async with database.sessions() as session:
            rows = await session.execute(
                text("SELECT pot, reserved_usd, spent_usd FROM budget_pots WHERE day = :day"),
                {"day": day},
            )
            return {row.pot: (row.reserved_usd, row.spent_usd) for row in rows}

    return read


async def test_what_is_held_and_what_it_cost_is_booked_in_every_pot_of_the_caller(
    reserve, books, pots
):
    caller = visitor()
    request_id = await reserve(caller, "0.5")
    held = await pots()

    await books("settle", request_id, usd("0.125"))

    names = {"global", "tier:visitor", f"visitor:{caller.id}"}
    assert held == dict.fromkeys(names, (usd("0.5"), 0))
    assert await pots() == dict.fromkeys(names, (0, usd("0.125")))
    assert await books("differences") == []


@pytest.mark.parametrize(
    ("caller", "narrow", "words"),
    [
        pytest.param(visitor(), "global_usd", "The budget for new", id="all"),
        pytest.param(visitor(), "visitors_usd", "The budget for new", id="all visitors"),
        pytest.param(visitor(), "visitor_usd", "Your share", id="the visitor"),
        pytest.param(Caller("key", uuid4(), None), "keys_usd", "The budget for new", id="all keys"),
        pytest.param(Caller("key", uuid4(), None), "key_usd", "this API key", id="the key"),
        pytest.param(SCHEDULER, "scheduled_usd", "The budget for new", id="the schedule"),
    ],
)
async def test_a_pot_without_room_refuses_and_no_other_is_touched(
    reserve, pots, caller, narrow, words
):
    limits = replace(LIMITS, **{narrow: usd(1)})
    await reserve(caller, "0.75", limits)
    before = await pots()

    with pytest.raises(BudgetUsedUp, match=words):
        await reserve(caller, "0.250000000001", limits)
    unchanged = await pots()
    await reserve(caller, "0.25", limits)

    assert unchanged == before
    assert set((await pots()).values()) == {(1, 0)}


async def test_an_api_key_may_have_a_budget_of_its_own(reserve):
    key = Caller("key", uuid4(), None, budget_usd=usd(2))

    await reserve(key, 2, replace(LIMITS, key_usd=usd(1)))
    with pytest.raises(BudgetUsedUp):
        await reserve(key, "0.01", replace(LIMITS, key_usd=usd(9)))


async def test_one_who_uses_up_their_pot_takes_nothing_from_others(reserve):
    greedy, limits = visitor(), replace(LIMITS, visitor_usd=usd(1))
    await reserve(greedy, 1, limits)
    with pytest.raises(BudgetUsedUp):
        await reserve(greedy, 1, limits)

    await reserve(visitor(), 1, limits)
    await reserve(Caller("key", uuid4(), None), 1, limits)
    await reserve(SCHEDULER, 1, limits)


async def test_visitors_who_use_up_their_tier_leave_keys_and_the_schedule_theirs(reserve):
    limits = BudgetLimits(usd(3), usd(1), usd(1), usd(1), usd(0), usd(1), usd(1), usd(1))
    await reserve(visitor(), 1, limits)
    with pytest.raises(BudgetUsedUp):
        await reserve(visitor(), "0.01", limits)

    await reserve(Caller("key", uuid4(), None), 1, limits)
    await reserve(SCHEDULER, 1, limits)


async def test_holding_more_holds_the_difference_and_only_where_there_is_room(reserve, books, pots):
    request_id = await reserve(visitor(), 1, replace(LIMITS, visitors_usd=usd(2)))

    assert await books("extend", request_id, usd("0.5")) is None
    assert await books("extend", request_id, usd("1.75")) is None
    assert await books("extend", request_id, usd("2.01")) == "tier:visitor"

    assert set((await pots()).values()) == {(usd("1.75"), 0)}
    assert await books("differences") == []


async def test_nothing_can_be_added_to_what_was_settled_or_never_held(reserve, books, pots):
    settled = await reserve(visitor(), 1)
    await books("settle", settled, usd(1))

    assert await books("extend", settled, usd(2)) == "reservation"
    assert await books("extend", uuid4(), usd(2)) == "reservation"
    assert await books("settle", uuid4(), usd(2)) is None
    assert set((await pots()).values()) == {(0, 1)}


async def test_what_is_settled_twice_is_booked_once_and_corrected(reserve, books, pots):
    request_id = await reserve(visitor(), 1)

    for cost in ("0.5", "0.5", "0.75"):
        await books("settle", request_id, usd(cost))

    assert set((await pots()).values()) == {(0, usd("0.75"))}
    assert await books("differences") == []


async def test_a_cost_beyond_what_was_held_is_booked_as_it_is(reserve, books, pots):
    limits = replace(LIMITS, global_usd=usd(2))
    request_id = await reserve(visitor(), 1, limits)

    await books("settle", request_id, usd(10))

    assert (await pots())["global"] == (0, 10)
    with pytest.raises(BudgetUsedUp):
        await reserve(visitor(), "0.01", limits)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET spent_usd = 0",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
    ],
)
async def test_the_ledger_is_only_ever_added_to(database, reserve, statement):
    await reserve(visitor(), 1)

    with pytest.raises(DBAPIError, match="append-only"):
        async with database.sessions.begin() as session:
            await session.execute(text(statement))


async def test_a_pot_that_is_not_the_sum_of_its_entries_is_named(database, reserve, books):
    await reserve(SCHEDULER, 1)
    async with database.sessions.begin() as session:
        await session.execute(text("UPDATE budget_pots SET spent_usd = 3 WHERE pot = 'scheduled'"))

    (difference,) = await books("differences")

    assert (difference.pot, difference.day) == ("scheduled", TODAY)
    assert (difference.spent_usd, difference.entries_spent_usd) == (3, 0)


async def test_a_budget_for_37_admits_37_of_200_at_once(database, redis, model):
    quote = quote_usd(model)
    requests = requests_with(database, redis, replace(LIMITS, global_usd=37 * quote))

    async def ask() -> bool:
        try:
            await requests.create(visitor(), GenerationInput("honey", MODEL), origin="manual")
        except BudgetUsedUp:
            return False
        return True

    admitted = await asyncio.gather(*(ask() for _ in range(200)))

    assert sum(admitted) == 37


async def test_two_who_want_the_last_of_a_pot_at_once_do_not_both_get_it(database, reserve):
    limits = replace(LIMITS, global_usd=usd(2))
    await reserve(visitor(), 1, limits)

    async def both_wait() -> bool:
        return await waiting_for_table(database, "reserve_budget") == 2

    async with database.sessions.begin() as holding:
        await holding.execute(text("SELECT FROM budget_pots WHERE pot = 'global' FOR UPDATE"))
        asked = [asyncio.create_task(reserve(visitor(), 1, limits)) for _ in range(2)]
        await until(both_wait, "both to wait for the pot")
        await holding.commit()
        ended = await asyncio.gather(*asked, return_exceptions=True)

    assert [isinstance(one, BudgetUsedUp) for one in ended].count(True) == 1


async def test_two_who_want_more_at_once_do_not_both_get_the_last_of_it(database, reserve):
    limits = replace(LIMITS, global_usd=usd("1.5"))
    ids = [await reserve(visitor(), "0.5", limits) for _ in range(2)]
    async with database.sessions.begin() as first, database.sessions.begin() as second:
        assert await BudgetRepository(first).extend(ids[0], usd(1)) is None
        waiting = asyncio.create_task(BudgetRepository(second).extend(ids[1], usd(1)))
        await until(lambda: waiting_for_table(database, "extend_budget"), "the second to wait")
        await first.commit()

        assert await waiting == "global"


async def test_two_who_settle_the_same_at_once_book_it_once(database, reserve, pots):
    request_id = await reserve(visitor(), 1)
    async with database.sessions.begin() as first, database.sessions.begin() as second:
        await BudgetRepository(first).settle(request_id, usd("0.5"))
        waiting = asyncio.create_task(BudgetRepository(second).settle(request_id, usd("0.5")))
        await until(lambda: waiting_for_table(database, "settle_budget"), "the second to wait")
        await first.commit()
        await waiting

    assert set((await pots()).values()) == {(0, usd("0.5"))}


SEEDS = range(at_length(10, whole=200))


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_at_once_no_pot_passes_its_limit(database, books, seed):
    """Many hands hold, add to, settle and release at random; the books are right throughout."""
    chance = random.Random(seed)
    limits = BudgetLimits(
        usd(6), usd(3), usd("1.5"), usd("0.5"), usd(1), usd(1), usd("0.75"), usd("0.5")
    )
    budget = Budget(limits, lambda: NOON)
    callers = [SCHEDULER, *(visitor() for _ in range(4))]
    callers += [Caller("key", uuid4(), None) for _ in range(2)]

    async def one(steps: random.Random) -> None:
        caller, request_id = steps.choice(callers), uuid4()
        paid = caller.kind == "visitor" and steps.random() < 0.3
        held = usd(steps.randint(1, 60)) / 100
        try:
            async with database.sessions.begin() as session:
                await budget.reserve(session, caller, request_id, held, paid=paid)
        except BudgetUsedUp:
            return
        for _ in range(steps.randint(0, 2)):
            more = held + usd(steps.randint(0, 30)) / 100
            if await books("extend", request_id, more) is None:
                held = more
        match steps.choice(["settle", "settle", "release", "leave", "twice"]):
            case "release":
                await books("release", request_id)
            case "settle":
                await books("settle", request_id, held * steps.randint(0, 100) / 100)
            case "twice":
                cost = held * steps.randint(0, 100) / 100
                await asyncio.gather(*(books("settle", request_id, cost) for _ in range(2)))
            case _:
                pass

    await asyncio.gather(*(one(random.Random(chance.random())) for _ in range(40)))

    async with database.sessions() as session:
        over = await session.execute(
            text("SELECT pot FROM budget_pots WHERE reserved_usd + spent_usd > limit_usd")
        )
        held = await session.execute(
            text(
                "SELECT p.pot FROM budget_pots p WHERE reserved_usd <> (SELECT"
                " coalesce(sum(amount_usd), 0) FROM budget_reservations r"
                " WHERE p.pot = ANY (r.pots) AND r.day = p.day AND r.state = 'open')"
            )
        )
    assert over.all() == []
    assert held.all() == []
    assert await books("differences") == []


MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


async def test_a_new_day_begins_at_midnight_utc_and_yesterday_stays_readable(reserve, books, pots):
    limits = replace(LIMITS, global_usd=usd(1))
    before = await reserve(visitor(), 1, limits, MIDNIGHT - timedelta(microseconds=1))
    with pytest.raises(BudgetUsedUp) as refused:
        await reserve(visitor(), 1, limits, MIDNIGHT - timedelta(seconds=90))

    after = await reserve(visitor(), 1, limits, MIDNIGHT)
    await books("settle", before, usd("0.25"))
    await books("settle", after, usd("0.5"))

    assert refused.value.retry_after_s == 90
    assert (await pots(TODAY))["global"] == (0, usd("0.25"))
    assert (await pots(MIDNIGHT.date()))["global"] == (0, usd("0.5"))


async def test_a_clock_that_steps_to_and_fro_never_frees_money(reserve, pots):
    limits, caller = replace(LIMITS, global_usd=usd(1)), visitor()
    moments = [MIDNIGHT + timedelta(minutes=m) for m in (-2, 1, -1, 2, -30, 30, -1, 1)]
    admitted, waits_s = [], []
    for now in moments:
        try:
            await reserve(caller, "0.5", limits, now)
            admitted.append(now.date())
        except BudgetUsedUp as refused:
            waits_s.append(refused.retry_after_s)

    assert all(1 <= wait_s <= 86_400 for wait_s in waits_s)
    assert sorted(admitted) == [TODAY, TODAY, MIDNIGHT.date(), MIDNIGHT.date()]


@pytest.fixture(params=["America/New_York", "Europe/Berlin", "Pacific/Kiritimati", "Asia/Tehran"])
def zone(request):
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(datetime(2026, 3, 8, tzinfo=UTC), id="summer time begins in New York"),
        pytest.param(datetime(2026, 10, 25, tzinfo=UTC), id="summer time ends in Berlin"),
        pytest.param(datetime(2026, 11, 1, tzinfo=UTC), id="summer time ends in New York"),
    ],
)
async def test_every_day_has_24_hours_wherever_the_process_runs(reserve, pots, zone, day):
    limits = replace(LIMITS, global_usd=usd(2))

    for hour in (0, 23):
        # As a clock of this zone would say it, on both sides of its change of time.
        await reserve(visitor(), 1, limits, (day + timedelta(hours=hour)).astimezone())
    with pytest.raises(BudgetUsedUp) as refused:
        await reserve(visitor(), 1, limits, (day + timedelta(hours=1)).astimezone())
    await reserve(visitor(), 1, limits, (day + timedelta(hours=24)).astimezone())

    assert refused.value.retry_after_s == 23 * 3_600
    assert (await pots(day.date()))["global"] == (2, 0)
    assert (await pots((day + timedelta(days=1)).date()))["global"] == (1, 0)


@pytest.mark.parametrize(
    ("held", "state", "left"),
    [
        ("0", "open", "1"),
        ("0.79", "open", "0.21"),
        ("0.8", "low", "0.2"),
        ("0.96", "used_up", "0.04"),
    ],
)
async def test_what_is_left_is_told_of_the_emptiest_pot(database, reserve, held, state, left):
    caller, limits = visitor(), replace(LIMITS, visitor_usd=usd(1))
    if usd(held):
        await reserve(caller, held, limits)

    async with database.sessions() as session:
        told = await Budget(limits, lambda: NOON.astimezone(timezone(timedelta(hours=-5)))).state(
            session, caller, least_usd=usd("0.05")
        )

    assert (told.state, told.left_usd) == (state, usd(left))
    assert (told.resets_at, told.reset_s) == (MIDNIGHT, 12 * 3_600)


@pytest.mark.parametrize("spoilt", [False, True])
async def test_the_ledger_can_be_checked_by_hand(database, reserve, spoilt):
    await reserve(SCHEDULER, 1)
    if spoilt:
        async with database.sessions.begin() as session:
            await session.execute(text("UPDATE budget_pots SET reserved_usd = 2"))

    check = await run_command("check_ledger")

    assert check.returncode == spoilt
    assert ("The ledger is right." in check.stdout) is not spoilt
    assert ("scheduled of 2026-11-21" in check.stderr) is spoilt
