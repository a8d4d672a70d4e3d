"""Payments that come late, codes, refunds and disputes of the stand-in: states, events, balance."""

import pytest
import stripe

from tests.standins.stripe import StripeStandIn
from tests.standins.stripe.account import Object
from tests.standins.stripe.errors import Refused
from tests.standins.stripe_client import create_session

pytestmark = pytest.mark.anyio


def told(standin: StripeStandIn, after: int = 0) -> list[str]:
    return [event["type"] for event in standin.events()][after:]


def balance(standin: StripeStandIn) -> list[int]:
    """Amounts of the entries, oldest first, fees aside."""
    return [one["amount"] for one in standin.account.newest("balance_transaction")][::-1]


@pytest.fixture
async def charge(stripe_standin: StripeStandIn, client: stripe.StripeClient) -> Object:
    """A charge of $5.00."""
    session = await create_session(client)
    stripe_standin.till.pay(session.id)
    return stripe_standin.charge_of(session.id)


@pytest.mark.parametrize(
    ("step", "paid", "last"),
    [
        pytest.param("succeed", "paid", "async_payment_succeeded", id="the money comes"),
        pytest.param("fail", "unpaid", "async_payment_failed", id="the money does not come"),
    ],
)
async def test_money_may_come_days_later(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, step: str, paid: str, last: str
):
    session = await create_session(client)
    stripe_standin.till.pay_later(session.id)
    first = await client.v1.checkout.sessions.retrieve_async(session.id)
    getattr(stripe_standin.till, step)(session.id)
    then = await client.v1.checkout.sessions.retrieve_async(session.id)

    assert (first.status, first.payment_status) == ("complete", "unpaid")
    assert (then.status, then.payment_status) == ("complete", paid)
    completed, later = [
        event["data"]["object"]["payment_status"]
        for event in stripe_standin.events("checkout.session.completed", f"checkout.session.{last}")
    ]
    assert (completed, later) == ("unpaid", paid)
    with pytest.raises(Refused):
        getattr(stripe_standin.till, step)(session.id)


async def test_a_code_for_everything_leaves_nothing_to_pay(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    without = await create_session(client)
    session = await create_session(client, allow_promotion_codes=True)
    stripe_standin.till.use_code(session.id)
    free = await client.v1.checkout.sessions.retrieve_async(session.id)

    assert (free.status, free.payment_status) == ("complete", "no_payment_required")
    assert (free.amount_subtotal, free.amount_total, free.payment_intent) == (500, 0, None)
    assert told(stripe_standin) == ["checkout.session.completed"]
    with pytest.raises(Refused, match="no promotion codes"):
        stripe_standin.till.use_code(without.id)


async def test_after_a_declined_card_another_may_pay(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    session = await create_session(client)
    stripe_standin.till.decline(session.id, "insufficient_funds")
    declined = await client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["payment_intent"]}
    )
    stripe_standin.till.pay(session.id)

    assert declined.status == "open"
    assert isinstance(declined.payment_intent, stripe.PaymentIntent)
    assert declined.payment_intent.last_payment_error is not None
    assert declined.payment_intent.last_payment_error.decline_code == "insufficient_funds"
    assert stripe_standin.charge_of(session.id)["payment_intent"] == declined.payment_intent.id
    assert [charge["status"] for charge in stripe_standin.account.newest("charge")] == [
        "succeeded",
        "failed",
    ]


async def test_amounts_are_of_the_smallest_unit_whatever_it_is(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    session = await create_session(client, amount=900, currency="jpy")
    stripe_standin.till.pay(session.id)
    charge = stripe_standin.charge_of(session.id)

    assert (charge["amount"], charge["currency"]) == (900, "jpy")
    with pytest.raises(stripe.InvalidRequestError, match=r"\(¥901\) .* \(¥900\)"):
        await client.v1.refunds.create_async({"charge": charge["id"], "amount": 901})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await create_session(client, amount=49, currency="usd")
    assert refused.value.error is not None
    assert refused.value.error.code == "amount_too_small"


async def test_refunds_add_up_to_the_charge_and_no_further(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, charge: Object
):
    intent = charge["payment_intent"]
    part = await client.v1.refunds.create_async({"payment_intent": intent, "amount": 200})
    half = await client.v1.charges.retrieve_async(charge["id"])
    await client.v1.refunds.create_async({"charge": charge["id"]})
    whole = await client.v1.charges.retrieve_async(charge["id"])
    listed = await client.v1.refunds.list_async({"payment_intent": intent})

    assert part.status == "succeeded"
    assert (half.amount_refunded, half.refunded) == (200, False)
    assert (whole.amount_refunded, whole.refunded) == (500, True)
    assert [refund.amount for refund in listed.data] == [300, 200]
    assert balance(stripe_standin) == [500, -200, -300]
    assert told(stripe_standin, 4) == ["refund.created", "charge.refunded"] * 2
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await client.v1.refunds.create_async({"payment_intent": intent})
    assert refused.value.error is not None
    assert refused.value.error.code == "charge_already_refunded"


@pytest.mark.parametrize(
    ("slow", "step", "status", "refunded", "last"),
    [
        pytest.param(True, "succeed", "succeeded", 500, "charge.refund.updated", id="arrives"),
        pytest.param(True, "fail", "failed", 0, "refund.failed", id="never arrives"),
        pytest.param(False, "fail", "failed", 0, "refund.failed", id="comes back"),
    ],
)
async def test_a_refund_may_take_days_and_may_fail(
    stripe_standin: StripeStandIn,
    client: stripe.StripeClient,
    charge: Object,
    slow: bool,
    step: str,
    status: str,
    refunded: int,
    last: str,
):
    stripe_standin.refunds.slow = slow
    refund = await client.v1.refunds.create_async({"charge": charge["id"]})
    getattr(stripe_standin.refunds, step)(refund.id)
    then = await client.v1.refunds.retrieve_async(refund.id)

    assert refund.status == ("pending" if slow else "succeeded")
    assert then.status == status
    assert charge["amount_refunded"] == refunded
    assert sum(balance(stripe_standin)) == 500 - refunded
    assert told(stripe_standin)[-1] == last


@pytest.mark.parametrize(
    ("step", "status", "left", "events"),
    [
        pytest.param("win", "won", 500, ["funds_reinstated", "closed"], id="won"),
        pytest.param("lose", "lost", 0, ["closed"], id="lost"),
    ],
)
async def test_a_dispute_takes_the_money_until_it_is_won(
    stripe_standin: StripeStandIn,
    client: stripe.StripeClient,
    charge: Object,
    step: str,
    status: str,
    left: int,
    events: list[str],
):
    dispute = stripe_standin.disputes.open(charge)
    during = sum(balance(stripe_standin))
    with pytest.raises(stripe.InvalidRequestError, match="charged back"):
        await client.v1.refunds.create_async({"charge": charge["id"]})
    getattr(stripe_standin.disputes, step)(dispute["id"])
    listed = await client.v1.disputes.list_async({"payment_intent": charge["payment_intent"]})

    assert during == 0
    assert sum(balance(stripe_standin)) == left
    assert [one.status for one in listed.data] == [status]
    begun = ["created", "funds_withdrawn"]
    assert told(stripe_standin, 4) == [f"charge.dispute.{one}" for one in [*begun, *events]]


@pytest.mark.parametrize(
    ("slow", "entries"),
    [
        (False, ["charge", "refund", "refund_failure"]),
        (True, ["payment", "payment_refund", "payment_failure_refund"]),
    ],
    ids=["by card", "by a slow method"],
)
async def test_entries_say_what_they_are_for(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, slow: bool, entries: list[str]
):
    session = await create_session(client)
    if slow:
        stripe_standin.till.pay_later(session.id)
        stripe_standin.till.succeed(session.id)
    else:
        stripe_standin.till.pay(session.id)
    refund = stripe_standin.refunds.refund(stripe_standin.charge_of(session.id))
    stripe_standin.refunds.fail(refund["id"])
    listed = await client.v1.balance_transactions.list_async()

    assert [entry.type for entry in listed.data] == entries[::-1]


async def test_a_dispute_is_about_what_was_not_refunded(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, charge: Object
):
    stripe_standin.refunds.refund(charge, 200)
    dispute = stripe_standin.disputes.open(charge)
    stripe_standin.disputes.win(dispute["id"])
    await client.v1.refunds.create_async({"charge": charge["id"]})

    assert dispute["amount"] == 300
    assert sum(balance(stripe_standin)) == 0
    with pytest.raises(Refused):
        stripe_standin.disputes.open(charge)


async def test_events_and_entries_are_found_by_what_they_are(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, charge: Object
):
    stripe_standin.refunds.refund(charge, 100)
    kinds = ["checkout.session.completed", "charge.refunded"]
    some = await client.v1.events.list_async({"types": kinds})
    one = await client.v1.events.list_async({"type": "charge.*", "limit": 1})
    refunds = await client.v1.balance_transactions.list_async({"type": "refund"})
    of_charge = await client.v1.balance_transactions.list_async({"source": charge["id"]})

    assert [event.type for event in some.data] == kinds[::-1]
    assert ([event.type for event in one.data], one.has_more) == (["charge.refunded"], True)
    assert [entry.amount for entry in refunds.data] == [-100]
    assert [(entry.amount, entry.fee, entry.net) for entry in of_charge.data] == [(500, 14, 486)]


async def test_a_price_made_beforehand_is_sold(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    stripe_standin.add_price("price_chat", unit_amount=900, currency="usd", name="Factoid Chat")
    session = await create_session(client, line_items=[{"price": "price_chat", "quantity": 2}])
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await create_session(client, line_items=[{"price": "price_tea", "quantity": 1}])

    assert session.amount_total == 1800
    assert refused.value.param == "line_items[0][price]"
