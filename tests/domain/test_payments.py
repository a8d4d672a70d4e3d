"""Money that went back, and money that is said to be there: refunds, disputes, lost events, sums.
Security check 55, and the second half of 50.
"""

import asyncio
import random
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from domain.payments.refunds import NotRefundable
from jobs.services import WorkerServices
from tests.credit_account import Account, differing
from tests.factories import unique
from tests.fixtures.payments import CHECKOUT, Shop
from tests.proof import at_length

SESSIONS = "/v1/checkout/sessions"


async def begun(shop: Shop, buyer: httpx.AsyncClient) -> tuple[str, str]:
    out = await shop.buy(buyer, topic=unique())
    return out["id"], await shop.session_of(out["id"])


async def paid(shop: Shop, buyer: httpx.AsyncClient) -> tuple[str, Any, Account]:
    """A checkout that granted, its charge, and whose it is."""
    checkout_id, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    await shop.stripe.deliveries.deliver()
    owner = (await shop.row(checkout_id)).owner_id
    return checkout_id, shop.stripe.charge_of(session_id), Account(shop.database, owner)


async def balanced(shop: Shop) -> None:
    assert await differing(shop.database) == []


async def test_what_is_lost_on_the_way_is_found(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    """A tenth of all events is lost; the next look at Stripe brings all to the same end."""
    chance, ends = random.Random(50), dict[str, tuple[Any, ...]]()
    bought = at_length(20, whole=60)
    for number in range(bought):
        checkout_id, session_id = await begun(shop, buyer)
        ends[checkout_id] = live(shop, session_id, number % len(LIVES))
    held = [*shop.stripe.deliveries.held]
    lost = chance.sample(held, len(held) // 10)
    shop.stripe.deliveries.lose(*lost)
    chance.shuffle(shop.stripe.deliveries.held)
    for _ in range(6):
        some = shop.stripe.deliveries.held[: len(held) // 6 + 1]
        await shop.stripe.deliveries.deliver(*some, together=True)

    first = await office.reconciliation.reconcile()
    again = await office.reconciliation.reconcile()

    assert {one: await shop.end(one) for one in ends} == ends
    useful = [one for one in lost if not one["type"].startswith("payment_intent.")]
    assert bought // 6 < first.events <= len(useful)
    assert again.events == 0
    await balanced(shop)


LIVES = {
    "paid": ("paid", 500, 0, 0, 0, (1, 25), 500),
    "slowly": ("paid", 500, 0, 0, 0, (1, 25), 500),
    "failed": ("failed", 0, 0, 0, 0, (0, 0), 0),
    "expired": ("expired", 0, 0, 0, 0, (0, 0), 0),
    "refunded": ("refunded", 500, 500, 0, 25, (1, 0), 0),
    "partly": ("paid", 500, 130, 0, 6, (1, 19), 370),
    "not refunded": ("paid", 500, 0, 0, 0, (1, 25), 500),
    "disputed": ("disputed", 500, 0, 500, 25, (1, 0), 0),
    "won": ("paid", 500, 0, 0, 0, (1, 25), 500),
    "for nothing": ("paid", 0, 0, 0, 0, (1, 25), 0),
}


def live(shop: Shop, session_id: str, number: int) -> tuple[Any, ...]:
    """Let a session have one of these lives, and say how that must end."""
    life, end = [*LIVES.items()][number]
    stripe = shop.stripe
    match life:
        case "expired":
            stripe.sessions.expire(session_id)
        case "for nothing":
            stripe.till.use_code(session_id)
        case "slowly" | "failed":
            stripe.till.pay_later(session_id)
            (stripe.till.succeed if life == "slowly" else stripe.till.fail)(session_id)
        case _:
            stripe.till.pay(session_id)
            charge = stripe.charge_of(session_id)
            if life in {"refunded", "partly", "not refunded"}:
                refund = stripe.refunds.refund(charge, 130 if life == "partly" else 500)
                if life == "not refunded":
                    stripe.refunds.fail(refund["id"])
            if life in {"disputed", "won"}:
                dispute = stripe.disputes.open(charge)
                if life == "won":
                    stripe.disputes.win(dispute["id"])
    return end


async def test_a_session_whose_making_was_never_answered_is_found(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    """Stripe made it, we never heard of it, and the visitor did not ask again."""
    shop.stripe.faults.queue(*["cut-after"] * 3, at=f"POST {SESSIONS}")
    assert (await buyer.post(CHECKOUT, json={"product": "chat"})).status_code == 503
    (row,) = await shop.all("SELECT id, session_id FROM checkouts")
    (session,) = shop.stripe.sessions.newest()
    assert row.session_id is None

    await office.reconciliation.reconcile()
    assert await shop.session_of(str(row.id)) == session["id"]
    shop.stripe.till.pay(session["id"])
    # Stripe keeps events for 30 days only.
    shop.stripe.account._objects["event"].clear()
    await office.reconciliation.reconcile()

    assert await shop.end(str(row.id)) == ("paid", 900, 0, 0, 0, (1, 200), 900)


async def test_what_stripe_never_made_is_over_after_a_day(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    shop.stripe.faults.queue("401", at=f"POST {SESSIONS}")
    assert (await buyer.post(CHECKOUT, json={"product": "chat"})).status_code == 503
    async with shop.database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE checkouts SET created_at = now() - interval '23 hours'")
        )

    await office.reconciliation.reconcile()

    (row,) = await shop.all("SELECT status FROM checkouts")
    assert row.status == "expired"


async def test_a_refund_before_use_takes_what_it_paid_for(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, charge, owner = await paid(shop, buyer)

    shop.stripe.refunds.refund(charge, 199)
    await shop.stripe.deliveries.deliver()

    # 199 of 500 are 9.95 credits: a part that is no whole one is the buyer's.
    assert await owner.balance() == (16, 0, 0, 9)
    assert await shop.entries(checkout_id) == [("charged", 500), ("refunded", -199)]
    await balanced(shop)


async def test_a_refund_during_use_waits_for_what_is_held(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, charge, owner = await paid(shop, buyer)
    kept, returned = await owner.hold(), await owner.hold()

    shop.stripe.refunds.refund(charge, 500)
    await shop.stripe.deliveries.deliver()
    during = await owner.balance()
    await owner.use(kept)
    await owner.give_back(returned)

    assert during == (0, 2, 0, 23)
    assert await owner.balance() == (0, 0, 1, 24)
    assert (await shop.row(checkout_id)).status == "refunded"
    await balanced(shop)


async def test_a_refund_after_use_takes_nothing_that_is_used(shop: Shop, buyer: httpx.AsyncClient):
    _, charge, owner = await paid(shop, buyer)
    for _ in range(25):
        await owner.use(await owner.hold())

    shop.stripe.refunds.refund(charge, 500)
    await shop.stripe.deliveries.deliver()

    assert await owner.balance() == (0, 0, 25, 0)
    await balanced(shop)


async def test_a_refund_that_fails_brings_the_credits_back(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, charge, owner = await paid(shop, buyer)
    shop.stripe.refunds.slow = True
    refund = shop.stripe.refunds.refund(charge, 500)
    await shop.stripe.deliveries.deliver()
    assert await owner.balance() == (0, 0, 0, 25)

    shop.stripe.refunds.fail(refund["id"])
    await shop.stripe.deliveries.deliver()

    assert await owner.balance() == (25, 0, 0, 0)
    assert await shop.entries(checkout_id) == [
        ("charged", 500),
        ("refunded", -500),
        ("refund_failed", 500),
    ]
    await balanced(shop)


@pytest.mark.parametrize("used", [0, 5])
async def test_a_dispute_freezes_and_a_won_one_frees(
    shop: Shop, buyer: httpx.AsyncClient, used: int
):
    checkout_id, charge, owner = await paid(shop, buyer)
    for _ in range(used):
        await owner.use(await owner.hold())
    dispute = shop.stripe.disputes.open(charge)
    await shop.stripe.deliveries.deliver()
    assert await owner.balance() == (0, 0, used, 25 - used)
    assert (await shop.see(buyer, checkout_id))["status"] == "disputed"

    shop.stripe.disputes.win(dispute["id"])
    await shop.stripe.deliveries.deliver()

    assert await owner.balance() == (25 - used, 0, used, 0)
    assert (await shop.see(buyer, checkout_id))["status"] == "paid"
    assert await shop.entries(checkout_id) == [
        ("charged", 500),
        ("disputed", -500),
        ("reinstated", 500),
    ]
    await balanced(shop)


async def test_a_dispute_that_is_lost_stays(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id, charge, owner = await paid(shop, buyer)
    dispute = shop.stripe.disputes.open(charge)
    shop.stripe.disputes.lose(dispute["id"])

    await shop.stripe.deliveries.deliver()

    assert await shop.end(checkout_id) == ("disputed", 500, 0, 500, 25, (1, 0), 0)
    assert await owner.balance() == (0, 0, 0, 25)


async def test_staff_send_a_payment_back_once(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    checkout_id, charge, owner = await paid(shop, buyer)
    shop.stripe.refunds.refund(charge, 100)

    done = await asyncio.gather(
        *(office.refunds.refund(UUID(checkout_id)) for _ in range(4)), return_exceptions=True
    )

    assert charge["amount_refunded"] == 500
    assert [one["amount"] for one in shop.stripe.account.newest("refund")] == [400, 100]
    assert all(isinstance(one, NotRefundable) or one.refunded == 500 for one in done)  # pyright: ignore[reportAttributeAccessIssue]
    assert await owner.balance() == (0, 0, 0, 25)
    with pytest.raises(NotRefundable, match="Nothing is left"):
        await office.refunds.refund(UUID(checkout_id))


async def test_what_came_back_to_us_can_be_sent_again(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    """Under the first try's key Stripe would answer with the first refund, and send nothing."""
    checkout_id, charge, _ = await paid(shop, buyer)
    await office.refunds.refund(UUID(checkout_id))
    (refund,) = shop.stripe.account.newest("refund")
    shop.stripe.refunds.fail(refund["id"])
    await shop.stripe.deliveries.deliver()

    assert (await office.refunds.refund(UUID(checkout_id))).refunded == 500

    assert [one["status"] for one in shop.stripe.account.newest("refund")] == [
        "succeeded",
        "failed",
    ]
    assert charge["amount_refunded"] == 500


async def test_a_disputed_payment_is_not_sent_back_as_well(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    checkout_id, charge, _ = await paid(shop, buyer)
    shop.stripe.disputes.open(charge)

    with pytest.raises(NotRefundable, match="Stripe refuses"):
        await office.refunds.refund(UUID(checkout_id))


async def test_the_entries_are_what_stripes_figures_say(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    for number in range(len(LIVES)):
        live(shop, (await begun(shop, buyer))[1], number)
    await shop.stripe.deliveries.deliver()

    assert await office.reconciliation.differences() == []
    checked = await shop.all("SELECT id FROM checkouts WHERE checked_at IS NOT NULL")
    assert len(checked) == len(LIVES) - 2


async def test_money_that_moved_unseen_is_looked_for_before_it_is_a_difference(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    checkout_id, charge, _ = await paid(shop, buyer)
    shop.stripe.refunds.refund(charge, 500)
    shop.stripe.deliveries.lose()

    assert await office.reconciliation.differences() == []
    assert await shop.end(checkout_id) == ("refunded", 500, 500, 0, 25, (1, 0), 0)


async def test_money_nobody_can_explain_is_a_difference(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    checkout_id, charge, _ = await paid(shop, buyer)
    charge["amount_captured"] = 501

    (found,) = await office.reconciliation.differences()

    assert (str(found.checkout.id), found.entries, found.at_stripe) == (checkout_id, 500, 501)
    # It is looked at again as long as it differs.
    assert len(await office.reconciliation.differences()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE payment_entries SET amount = 1",
        "DELETE FROM payment_entries",
        "TRUNCATE payment_entries",
    ],
)
async def test_nobody_rewrites_what_moved(shop: Shop, buyer: httpx.AsyncClient, statement: str):
    await paid(shop, buyer)

    with pytest.raises(DBAPIError, match="append-only"):
        async with shop.database.engine.begin() as connection:
            await connection.execute(text(statement))


async def test_what_was_wished_is_begun_as_soon_as_it_can_be(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices, make: Any
):
    checkout_id, _, owner = await paid(shop, buyer)
    assert (await shop.row(checkout_id)).generation_request_id is None
    (job,) = await shop.all("SELECT job, arguments FROM outbox")
    assert job.job == "begin_post_purchase_generation"

    await office.post_purchase.retry(UUID(checkout_id))
    assert len(await shop.all("SELECT id FROM outbox")) == 1
    await make.model()
    await asyncio.gather(*(office.post_purchase.retry(UUID(checkout_id)) for _ in range(5)))

    assert await owner.balance() == (24, 1, 0, 0)
    (request,) = await shop.all("SELECT id, topic FROM generation_requests")
    row = await shop.row(checkout_id)
    assert (request.id, request.topic) == (row.generation_request_id, row.topic)
    assert [one.job for one in await shop.all("SELECT job FROM outbox")] == ["run_generation"]


async def test_what_could_not_be_begun_for_an_hour_is_told(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices
):
    checkout_id, _, owner = await paid(shop, buyer)
    async with shop.database.engine.begin() as connection:
        await connection.execute(text("UPDATE checkouts SET paid_at = now() - interval '2 hours'"))

    await office.post_purchase.retry(UUID(checkout_id))

    seen = await shop.see(buyer, checkout_id)
    assert (seen["status"], seen["wish_given_up"]) == ("paid", True)
    assert await owner.balance() == (25, 0, 0, 0)
    assert await shop.all("SELECT id FROM outbox") == []


async def test_what_was_wished_is_given_up_when_the_money_goes_before_it_begins(
    shop: Shop, buyer: httpx.AsyncClient, office: WorkerServices, make: Any
):
    """Else the page of a dispute that was won would wait for ever for what nobody begins."""
    waited, charge, _ = await paid(shop, buyer)
    at_once, session_id = await begun(shop, buyer)
    shop.stripe.till.pay(session_id)
    disputes = [
        shop.stripe.disputes.open(one) for one in (charge, shop.stripe.charge_of(session_id))
    ]
    await shop.stripe.deliveries.deliver()
    await office.post_purchase.retry(UUID(waited))
    await make.model()
    for dispute in disputes:
        shop.stripe.disputes.win(dispute["id"])
    await shop.stripe.deliveries.deliver()

    for checkout_id in (waited, at_once):
        seen = await shop.see(buyer, checkout_id)
        assert (seen["status"], seen["credits_revoked"]) == ("paid", 0)
        assert (seen["wish_given_up"], seen["generation_request_id"]) == (True, None)
    assert await shop.all("SELECT id FROM outbox") == []
