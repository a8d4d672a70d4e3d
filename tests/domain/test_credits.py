"""Credits: bought once, drawn on once, and never more than there are."""

import asyncio
import random
from collections import Counter
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.repositories.credits import CreditRepository
from tests.credit_account import Account, differing
from tests.processes import run_command
from tests.proof import at_length

SEEDS = at_length(20, whole=1_000)
STEPS = 30


@pytest.fixture
def account(database) -> Account:
    return Account(database)


@pytest.fixture
def differences(database):
    return lambda: differing(database)


async def test_a_credit_is_held_then_used_or_given_back(account, differences):
    await account.buy(3)
    used, given_back = await account.hold(), await account.hold()
    await account.use(used)
    await account.give_back(given_back)

    assert await account.balance() == (2, 0, 1, 0)
    assert await account.kinds() == ["grant", "hold", "hold", "use", "give_back"]
    assert await differences() == []


async def test_every_step_done_twice_is_done_once(account):
    checkout_id = await account.buy(3)
    await account.buy(3, checkout_id)
    used, given_back = await account.hold(), await account.hold()
    assert await account.hold(used) == used
    for _ in range(2):
        await account.use(used)
        await account.give_back(given_back)

    assert await account.hold(given_back) is None
    assert await account.balance() == (2, 0, 1, 0)
    assert len(await account.kinds()) == 5


async def test_forty_at_once_get_the_twenty_five_there_are(account, differences):
    await account.buy(20)
    await account.buy(5)

    got = await asyncio.gather(*(account.hold() for _ in range(40)))

    assert len([one for one in got if one]) == 25
    assert await account.balance() == (0, 25, 0, 0)
    assert await differences() == []


async def test_one_request_at_once_many_times_holds_one(account):
    await account.buy(5)
    request_id = uuid4()

    got = await asyncio.gather(*(account.hold(request_id) for _ in range(20)))

    assert set(got) == {request_id}
    assert await account.balance() == (4, 1, 0, 0)


async def test_one_checkout_told_twenty_times_at_once_grants_once(account):
    checkout_id = uuid4()

    await asyncio.gather(*(account.buy(25, checkout_id) for _ in range(20)))

    assert await account.balance() == (25, 0, 0, 0)


async def test_somebody_elses_credits_are_out_of_reach(account, database):
    await account.buy(5)

    assert await Account(database).hold() is None


@pytest.mark.parametrize("undelivered", [False, True], ids=["held", "used, but not delivered"])
async def test_a_refund_takes_what_is_left_and_what_comes_back_later(
    account, differences, undelivered
):
    checkout_id = await account.buy(3)
    used, under_way = await account.hold(), await account.hold()
    await account.use(used)
    if undelivered:
        await account.use(under_way)

    assert await account.revoke(checkout_id, 3) == 1
    assert (await account.balance())[0] == 0
    await account.give_back(under_way)

    assert await account.balance() == (0, 0, 1, 2)
    assert await account.revoke(checkout_id, 3) == 2
    assert (await account.kinds())[-2:] == ["give_back", "revoke"]
    assert await account.hold() is None
    assert await differences() == []


async def test_a_refund_before_any_use_takes_all_and_one_of_a_part_a_part(account):
    whole, part = await account.buy(5), await account.buy(4)

    assert await account.revoke(whole, 5) == 5
    assert await account.revoke(part, 2) == 2
    assert await account.revoke(part, 2) == 2

    assert await account.balance() == (2, 0, 0, 7)


async def test_a_refund_after_all_is_used_takes_nothing(account):
    checkout_id = await account.buy(1)
    await account.use(await account.hold())

    assert await account.revoke(checkout_id, 1) == 0
    assert await account.balance() == (0, 0, 1, 0)


async def test_a_refund_that_fails_brings_all_back(account, differences):
    checkout_id = await account.buy(4)
    under_way = await account.hold()
    assert await account.revoke(checkout_id, 4) == 3

    assert await account.revoke(checkout_id, 1) == 1
    await account.restore(checkout_id)
    await account.give_back(under_way)

    assert await account.balance() == (4, 0, 0, 0)
    assert await account.kinds() == ["grant", "hold", "revoke", "restore", "restore", "give_back"]
    assert await differences() == []


async def test_what_one_checkout_owes_is_not_taken_from_another(account):
    refunded = await account.buy(1)
    await account.use(await account.hold())
    await account.buy(2)

    assert await account.revoke(refunded, 1) == 0
    assert await account.balance() == (2, 0, 1, 0)


async def test_money_back_for_a_checkout_that_granted_nothing_is_nothing(account):
    assert await account.revoke(uuid4(), 5) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_entries SET granted = 99",
        "DELETE FROM credit_entries",
        "TRUNCATE credit_entries",
    ],
)
async def test_nobody_rewrites_the_entries(account, database, statement):
    await account.buy(1)

    with pytest.raises(DBAPIError, match="append-only"):
        async with database.sessions.begin() as session:
            await session.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE credit_grants SET used = used + 1",
        "UPDATE credit_grants SET granted = granted + 1",
        "UPDATE credit_holds SET state = 'used'",
    ],
)
async def test_a_balance_that_is_not_the_sum_of_its_entries_is_found(
    account, database, differences, statement
):
    checkout_id = await account.buy(2)
    await account.hold()
    async with database.sessions.begin() as session:
        await session.execute(text(statement))

    assert await differences() == [checkout_id]
    check = await run_command("check_ledger")
    assert check.returncode == 1
    assert f"The credits of checkout {checkout_id} differ" in check.stderr


@pytest.mark.parametrize("change", ["held = -1", "used = 3", "owed = 1", "revoked = 1"])
async def test_no_balance_can_be_below_zero_or_drawn_on_while_it_owes(account, database, change):
    await account.buy(2)

    with pytest.raises(DBAPIError, match="ck_credit_grants"):
        async with database.sessions.begin() as session:
            await session.execute(text(f"UPDATE credit_grants SET {change}"))


async def test_whatever_happens_at_once_the_balances_are_their_entries_and_not_below_zero(
    database, differences
):
    for seed in range(SEEDS):
        chance, account = random.Random(seed), Account(database)
        checkouts = [uuid4() for _ in range(3)]
        requests = [uuid4() for _ in range(8)]
        bought = {one: chance.randint(1, 4) for one in checkouts}

        await account.buy(bought[checkouts[0]], checkouts[0])
        await asyncio.gather(*(_step(account, chance, bought, requests) for _ in range(STEPS)))
        # Every request comes to its end, with a factoid or without.
        ends = [chance.choice([account.use, account.give_back])(one) for one in requests]
        await asyncio.gather(*ends)

        states = await _states(database, requests)
        _, held, used, _ = balance = await account.balance()
        assert min(balance) >= 0, seed
        assert (held, used) == (0, states["used"]), seed
        assert await differences() == [], seed


async def _states(database, requests: list[UUID]) -> Counter[str | None]:
    async with database.sessions() as session:
        credits = CreditRepository(session)
        return Counter([await credits.state(one) for one in requests])


async def _step(
    account: Account, chance: random.Random, bought: dict[UUID, int], requests: list[UUID]
) -> None:
    checkout_id, request_id = chance.choice(list(bought)), chance.choice(requests)
    steps = [
        partial(account.buy, bought[checkout_id], checkout_id),
        *[partial(account.hold, request_id)] * 2,
        partial(account.use, request_id),
        partial(account.give_back, request_id),
        partial(account.revoke, checkout_id, chance.randint(0, 5)),
        partial(account.restore, checkout_id),
    ]
    await chance.choice(steps)()
