"""Any order, any number of times, both doors at once: one grant and the same end. Security checks
50 and 51.
"""

import asyncio
import random
from collections import Counter
from itertools import permutations
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.api.test_problems import check_problem
from tests.factories import Factories, unique
from tests.fixtures.generation import transactions, waiting_for_table
from tests.fixtures.payments import CHECKOUT, Shop
from tests.processes import until
from tests.proof import at_length, sample

LIFE_CYCLE = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "refund.created",
    "charge.refunded",
    "refund.updated",
)


async def begun(shop: Shop, buyer: httpx.AsyncClient) -> tuple[str, str]:
    """A new checkout of its own, and its session's name."""
    out = await shop.buy(buyer, topic=unique())
    return out["id"], await shop.session_of(out["id"])


def live_through(shop: Shop, session_id: str) -> None:
    """Paid by a slow method, then two fifths of it refunded slowly."""
    shop.stripe.till.pay_later(session_id)
    shop.stripe.till.succeed(session_id)
    shop.stripe.refunds.slow = True
    refund = shop.stripe.refunds.refund(shop.stripe.charge_of(session_id), 200)
    shop.stripe.refunds.succeed(refund["id"])


PARTLY_REFUNDED = ("paid", 500, 200, 0, 10, (1, 15), 300)


async def test_all_orders_of_a_life_cycle_have_one_end(shop: Shop, buyer: httpx.AsyncClient):
    ends = Counter[tuple[Any, ...]]()
    orders = sample([*permutations(LIFE_CYCLE)], 20)
    for order in orders:
        checkout_id, session_id = await begun(shop, buyer)
        live_through(shop, session_id)
        events = {event["type"]: event for event in shop.stripe.deliveries.held}
        shop.stripe.deliveries.held.clear()

        for kind in order:
            await shop.stripe.deliveries.deliver(events[kind])
        ends[await shop.end(checkout_id)] += 1

    assert ends == {PARTLY_REFUNDED: len(orders)}
    assert {one.status for one in shop.stripe.deliveries.attempts} == {200}


async def test_events_that_come_while_more_happens_have_one_end(
    shop: Shop, buyer: httpx.AsyncClient
):
    """Late ones beside early ones: what was looked up before is never put over what came after."""
    for seed in range(at_length(8, whole=30)):
        chance = random.Random(seed)
        checkout_id, session_id = await begun(shop, buyer)

        async def told(share: float, chance: random.Random = chance) -> None:
            held = [*shop.stripe.deliveries.held]
            some = chance.sample(held, int(len(held) * share))
            if some:
                await shop.stripe.deliveries.deliver(
                    *some, times=chance.randint(1, 3), together=True
                )

        telling = [asyncio.create_task(told(0.5))]
        shop.stripe.till.pay_later(session_id)
        telling.append(asyncio.create_task(told(0.5)))
        await shop.row(checkout_id)
        shop.stripe.till.succeed(session_id)
        telling.append(asyncio.create_task(told(0.5)))
        await shop.row(checkout_id)
        shop.stripe.refunds.slow = True
        refund = shop.stripe.refunds.refund(shop.stripe.charge_of(session_id), 200)
        telling.append(asyncio.create_task(told(0.5)))
        await shop.row(checkout_id)
        shop.stripe.refunds.succeed(refund["id"])
        await asyncio.gather(*telling)
        await shop.stripe.deliveries.deliver()

        assert await shop.end(checkout_id) == PARTLY_REFUNDED, seed


async def test_what_was_looked_up_before_is_not_put_over_what_came_after(
    shop: Shop, buyer: httpx.AsyncClient
):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay_later(session_id)
    (first,) = (one for one in shop.stripe.deliveries.held if one["type"] == LIFE_CYCLE[0])
    shop.stripe.faults.queue("gated", at="GET /v1/payment_intents")
    # It has seen the session unpaid by now, and waits for the rest.
    slow = asyncio.create_task(shop.stripe.deliveries.deliver(first))
    await shop.stripe.wait_at_gate()

    shop.stripe.till.succeed(session_id)
    await shop.stripe.deliveries.deliver()
    shop.stripe.open()
    await slow

    assert await shop.end(checkout_id) == ("paid", 500, 0, 0, 0, (1, 25), 500)
    assert await shop.entries(checkout_id) == [("charged", 500)]


async def test_each_event_twenty_times_at_once_counts_once(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    live_through(shop, session_id)
    happened = len(shop.stripe.deliveries.held)

    await shop.stripe.deliveries.deliver(*shop.stripe.deliveries.held, times=20, together=True)

    assert await shop.end(checkout_id) == PARTLY_REFUNDED
    assert await shop.entries(checkout_id) == [("charged", 500), ("refunded", -200)]
    assert len(shop.stripe.deliveries.attempts) >= 20 * happened
    assert len(await shop.all("SELECT id FROM stripe_events")) == happened


async def test_return_and_webhook_at_once_grant_once(
    shop: Shop, buyer: httpx.AsyncClient, make: Factories
):
    """And begin what was wished once; who returns sees it begun."""
    await make.model()
    times = at_length(20, whole=100)
    for _ in range(times):
        checkout_id, session_id = await begun(shop, buyer)
        shop.stripe.till.pay(session_id)
        (event,) = (one for one in shop.stripe.deliveries.held if one["type"] == LIFE_CYCLE[0])
        shop.stripe.deliveries.held.clear()

        seen, _ = await asyncio.gather(
            shop.see(buyer, checkout_id), shop.stripe.deliveries.deliver(event)
        )

        assert (seen["status"], seen["paid"]) == ("paid", 500)
        assert await shop.entries(checkout_id) == [("charged", 500)]
        assert seen["generation_request_id"] == str(
            (await shop.row(checkout_id)).generation_request_id
        )
    written = await shop.all("SELECT id FROM generation_requests WHERE origin = 'paid'")
    assert len(written) == times
    (credits,) = await shop.all(
        "SELECT count(*) AS grants, sum(granted) AS granted, sum(held) AS held FROM credit_grants"
    )
    assert tuple(credits) == (times, 25 * times, times)


async def test_who_returns_while_the_webhook_is_applied_sees_what_it_did(
    shop: Shop, buyer: httpx.AsyncClient
):
    """It was not yet paid when it was read, and no longer open when Stripe was to be asked."""
    checkout_id, _ = await begun(shop, buyer)
    async with shop.database.engine.begin() as webhook:
        await webhook.execute(text("UPDATE checkouts SET status = 'paid', paid = 500"))
        returning = asyncio.create_task(shop.see(buyer, checkout_id))

        async def waits() -> bool:
            return await waiting_for_table(shop.database, "checkouts") > 0

        await until(waits, "the return to wait for the webhook")

    assert (await returning)["status"] == "paid"


async def test_coming_back_is_enough_when_the_webhook_is_lost(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    shop.stripe.deliveries.lose()

    assert (await shop.see(buyer, checkout_id))["status"] == "paid"
    assert await shop.credits(checkout_id) == (1, 25)


async def test_a_code_for_all_of_it_grants_as_well(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.use_code(session_id)

    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("paid", 0, 0, 0, 0, (1, 25), 0)
    assert (await shop.see(buyer, checkout_id))["paid_at"]


async def test_money_that_is_slow_is_waited_for(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay_later(session_id)
    await shop.stripe.deliveries.deliver()
    assert await shop.end(checkout_id) == ("processing", 0, 0, 0, 0, (0, 0), 0)

    shop.stripe.till.succeed(session_id)
    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("paid", 500, 0, 0, 0, (1, 25), 500)


async def test_money_that_never_comes_grants_nothing(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay_later(session_id)
    shop.stripe.till.fail(session_id)

    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("failed", 0, 0, 0, 0, (0, 0), 0)


async def test_a_card_that_is_declined_leaves_it_open(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.decline(session_id)
    await shop.stripe.deliveries.deliver()
    assert (await shop.see(buyer, checkout_id))["status"] == "open"

    shop.stripe.till.pay(session_id)
    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("paid", 500, 0, 0, 0, (1, 25), 500)


async def test_an_expired_session_is_over(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.sessions.expire(session_id)

    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("expired", 0, 0, 0, 0, (0, 0), 0)


async def test_an_event_of_somebody_elses_payment_is_kept_and_that_is_all(shop: Shop):
    shop.stripe.account.happen(
        "charge.refunded", {"id": "ch_1", "object": "charge", "payment_intent": "pi_other"}
    )

    await shop.stripe.deliveries.deliver()

    (kept,) = await shop.all("SELECT type, checkout_id FROM stripe_events")
    assert tuple(kept) == ("charge.refunded", None)


async def test_what_could_not_be_written_down_is_said_again(shop: Shop, buyer: httpx.AsyncClient):
    """A commit that fails is a 500, with nothing of the event's effect."""
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    (event,) = (one for one in shop.stripe.deliveries.held if one["type"] == LIFE_CYCLE[0])
    async with shop.database.engine.begin() as connection:
        await connection.execute(text(REFUSE_AT_COMMIT))
        await connection.execute(
            text(
                "CREATE CONSTRAINT TRIGGER refused AFTER INSERT ON stripe_events"
                " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_at_commit()"
            )
        )
    try:
        await shop.stripe.deliveries.deliver(event)
        statuses = [one.status for one in shop.stripe.deliveries.attempts]
        refused = await shop.end(checkout_id)
    finally:
        async with shop.database.engine.begin() as connection:
            await connection.execute(text("DROP FUNCTION refuse_at_commit CASCADE"))
    await shop.stripe.deliveries.deliver(event)

    assert statuses == [500, 500, 500]
    assert refused == ("open", 0, 0, 0, 0, (0, 0), 0)
    assert await shop.end(checkout_id) == ("paid", 500, 0, 0, 0, (1, 25), 500)


REFUSE_AT_COMMIT = """
CREATE FUNCTION refuse_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


async def test_while_stripe_does_not_answer_its_event_waits(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    (event,) = (one for one in shop.stripe.deliveries.held if one["type"] == LIFE_CYCLE[0])
    shop.stripe.faults.queue("401", at="GET /v1/checkout/sessions")

    await shop.stripe.deliveries.deliver(event)

    assert [one.status for one in shop.stripe.deliveries.attempts] == [503, 200]
    assert await shop.credits(checkout_id) == (1, 25)


async def test_what_somebody_else_bought_is_not_to_be_seen(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, session_id = await begun(shop, buyer)
    async with shop.api.client() as stranger:
        check_problem(await stranger.get(f"{CHECKOUT}/{checkout_id}"), 404)
        check_problem(await stranger.get(f"{CHECKOUT}/{checkout_id}?session={session_id}"), 404)
        check_problem(await stranger.get(f"{CHECKOUT}/{checkout_id}/stream"), 404)


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_payment_in_full_back_takes_all_that_is_left(
    shop: Shop, buyer: httpx.AsyncClient, at_once: bool
):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    if not at_once:
        await shop.stripe.deliveries.deliver()
    shop.stripe.refunds.refund(shop.stripe.charge_of(session_id), 500)

    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("refunded", 500, 500, 0, 25, (1, 0), 0)


@pytest.mark.parametrize("asked", ["POST /v1/checkout/sessions", "GET /v1/checkout/sessions"])
async def test_no_transaction_waits_for_stripe(shop: Shop, buyer: httpx.AsyncClient, asked: str):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    shop.stripe.faults.queue("gated", at=asked)
    waits = shop.buy(buyer, product="chat") if asked[0] == "P" else shop.see(buyer, checkout_id)

    waiting = asyncio.create_task(waits)
    await shop.stripe.wait_at_gate()
    under_way = await transactions(shop.database)
    shop.stripe.open()
    answered = await waiting

    assert under_way == 0
    assert answered["status"] == ("open" if asked[0] == "P" else "paid")


async def test_while_stripe_is_away_a_payment_is_shown_as_it_is_known(
    shop: Shop, buyer: httpx.AsyncClient
):
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    shop.stripe.faults.queue("403", at="GET /v1/checkout/sessions")

    assert (await shop.see(buyer, checkout_id))["status"] == "open"

    await shop.stripe.deliveries.deliver()
    assert (await shop.see(buyer, checkout_id))["status"] == "paid"
