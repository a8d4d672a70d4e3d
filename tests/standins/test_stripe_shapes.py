"""Every object that the stand-in for Stripe makes is what the stripe package says it is."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import stripe

from tests.standins.shapes import wrong_with
from tests.standins.stripe import StripeStandIn
from tests.standins.stripe.account import Object
from tests.standins.stripe.faults import REFUSALS
from tests.standins.stripe_client import create_session

pytestmark = pytest.mark.anyio

KINDS: dict[str, type[stripe.StripeObject]] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "item": stripe.LineItem,
    "payment_intent": stripe.PaymentIntent,
    "price": stripe.Price,
    "product": stripe.Product,
    "refund": stripe.Refund,
}


def pay_and_refund(standin: StripeStandIn, session_id: str) -> None:
    standin.till.pay(session_id)
    charge = standin.charge_of(session_id)
    standin.refunds.refund(charge, 100, reason="requested_by_customer")
    standin.refunds.slow = True
    standin.refunds.succeed(standin.refunds.refund(charge, 50)["id"])
    standin.refunds.fail(standin.refunds.refund(charge)["id"])


def pay_and_dispute(standin: StripeStandIn, session_id: str) -> None:
    standin.till.pay(session_id)
    standin.disputes.win(standin.disputes.open(standin.charge_of(session_id))["id"])


def dispute_and_lose(standin: StripeStandIn, session_id: str) -> None:
    standin.till.pay(session_id)
    standin.disputes.lose(standin.disputes.open(standin.charge_of(session_id))["id"])


def come_late(standin: StripeStandIn, session_id: str) -> None:
    standin.till.pay_later(session_id)
    standin.till.succeed(session_id)
    standin.disputes.win(standin.disputes.open(standin.charge_of(session_id))["id"])
    standin.refunds.refund(standin.charge_of(session_id))


def never_come(standin: StripeStandIn, session_id: str) -> None:
    standin.till.pay_later(session_id)
    standin.till.fail(session_id)


LIVES: list[Callable[[StripeStandIn, str], Any]] = [
    lambda standin, id: standin.sessions.get(id),
    lambda standin, id: standin.sessions.expire(id),
    lambda standin, id: standin.till.use_code(id),
    lambda standin, id: standin.till.decline(id),
    lambda standin, id: standin.till.decline(id, "insufficient_funds"),
    pay_and_refund,
    pay_and_dispute,
    dispute_and_lose,
    come_late,
    never_come,
]


def made_by(standin: StripeStandIn) -> list[Object]:
    """Everything there is, and everything that events show."""
    kept = [one for kind in KINDS for one in standin.account.newest(kind)]
    items = [item for items in standin.account.line_items.values() for item in items]
    return kept + items + [event["data"]["object"] for event in standin.events()]


async def test_every_object_is_as_the_package_says(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    for currency in ("usd", "eur", "gbp", "jpy"):
        for live in LIVES:
            session = await create_session(
                client,
                currency=currency,
                allow_promotion_codes=True,
                custom_text={"submit": {"message": "What fails is given back."}},
                customer_email="reader@example.com",
                metadata={"product": "booster_pack"},
            )
            live(stripe_standin, session.id)

    made = made_by(stripe_standin)
    wrong = [
        sentence
        for one in made
        for sentence in wrong_with(json.loads(json.dumps(one)), KINDS[one["object"]], one["id"])
    ]
    assert wrong == []
    assert {one["object"] for one in made} == set(KINDS)


async def test_an_expanded_list_is_as_the_package_says(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    for _ in range(2):
        pay_and_refund(stripe_standin, (await create_session(client)).id)
    paths = ["data.line_items", "data.payment_intent.latest_charge.refunds"]
    query = {f"expand[{place}]": path for place, path in enumerate(paths)}

    async with httpx.AsyncClient(base_url=stripe_standin.base_url, trust_env=False) as http:
        answer = await http.get(
            "/v1/checkout/sessions", params=query, auth=(stripe_standin.key, "")
        )

    listed = answer.json()
    assert wrong_with(listed, stripe.ListObject[stripe.checkout.Session], "sessions") == []
    assert listed["data"][0]["line_items"]["data"][0]["quantity"] == 1
    charge = listed["data"][0]["payment_intent"]["latest_charge"]
    assert len(charge["refunds"]["data"]) == 3


def test_every_refusal_is_as_the_package_says():
    wrong = [
        sentence
        for name, refused in REFUSALS.items()
        for sentence in wrong_with(refused.body()["error"], stripe.ErrorObject, name)
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        pytest.param({"colour": "red"}, "s.colour is unknown", id="a key nobody knows"),
        pytest.param({"amount_total": "500"}, "s.amount_total is '500'", id="another type"),
        pytest.param({"status": "done"}, "s.status is 'done'", id="a word nobody says"),
        pytest.param({"id": None}, "s.id is null", id="nothing where something must be"),
        pytest.param({"livemode": 0}, "s.livemode is 0", id="a number for a truth"),
    ],
)
async def test_what_is_wrong_with_a_shape_is_found(
    stripe_standin: StripeStandIn,
    client: stripe.StripeClient,
    changed: dict[str, Any],
    sentence: str,
):
    session = stripe_standin.sessions.get((await create_session(client)).id) | changed
    lacking = {name: value for name, value in session.items() if name != "expires_at"}

    said = [wrong_with(one, stripe.checkout.Session, "s") for one in (session, lacking)]
    assert [len(sentences) for sentences in said] == [1, 2]
    assert said[0][0].startswith(sentence)
    assert "s.expires_at is missing" in said[1]
