"""The stand-in for Stripe keeps to the wire: driven by the real package over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest
import stripe

from tests.standins.stripe import StripeStandIn
from tests.standins.stripe.account import API_VERSION
from tests.standins.stripe.running import serving
from tests.standins.stripe_client import client_for, create_session, session_parameters

pytestmark = pytest.mark.anyio


async def test_a_session_says_what_it_was_made_of(client: stripe.StripeClient):
    made = await create_session(
        client,
        client_reference_id="row-1",
        metadata={"product": "booster_pack"},
        payment_intent_data={"metadata": {"checkout": "row-1"}},
    )
    again = await client.v1.checkout.sessions.retrieve_async(
        made.id, {"expand": ["line_items.data.price.product"]}
    )

    assert stripe.api_version == API_VERSION
    assert (made.status, made.payment_status, made.livemode) == ("open", "unpaid", False)
    assert (made.amount_total, made.currency) == (500, "usd")
    assert made.client_reference_id == "row-1"
    assert made.metadata is not None
    assert made.metadata["product"] == "booster_pack"
    assert made.id.startswith("cs_test_")
    assert made.url is not None
    assert made.id in made.url
    assert again.line_items is not None
    assert [item.description for item in again.line_items.data] == ["Factoid Booster Pack"]


async def test_a_session_is_found_by_its_time_and_page_by_page(client: stripe.StripeClient):
    made = [(await create_session(client)).id for _ in range(5)]

    first = await client.v1.checkout.sessions.list_async({"limit": 2, "created": {"gte": 1}})
    found = [one.id async for one in first.auto_paging_iter()]
    none = await client.v1.checkout.sessions.list_async({"created": {"lt": 1}})

    assert (len(first.data), first.has_more) == (2, True)
    assert found == made[::-1]
    assert none.data == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        pytest.param({"success_url": ""}, "success_url", id="no way back"),
        pytest.param({"success_url": "factoids"}, "success_url", id="a way back to nowhere"),
        pytest.param({"line_items": []}, "line_items", id="nothing to buy"),
        pytest.param({"amount": -1}, "line_items[0][price_data][unit_amount]", id="below nothing"),
        pytest.param({"colour": "red"}, "colour", id="what nobody knows"),
        pytest.param({"metadata": {"topic": "x" * 501}}, "metadata[topic]", id="long metadata"),
        pytest.param({"expires_at": 1}, "expires_at", id="an end that is past"),
    ],
)
async def test_what_is_wrong_with_a_session_is_named(
    client: stripe.StripeClient, fields: dict[str, Any], param: str
):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await create_session(client, **fields)

    assert refused.value.http_status == 400
    assert refused.value.param == param
    assert refused.value.request_id


async def test_a_wrong_key_is_refused(stripe_standin: StripeStandIn):
    async with httpx.AsyncClient(base_url=stripe_standin.base_url, trust_env=False) as http:
        wrong = await http.get("/v1/events", auth=("sk_test_other", ""))
        none = await http.get("/v1/events")
        right = await http.get("/v1/events", auth=(stripe_standin.key, ""))

    assert [wrong.status_code, none.status_code, right.status_code] == [401, 401, 200]


async def test_another_version_of_the_api_is_refused(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    with pytest.raises(stripe.InvalidRequestError, match="2020-08-27"):
        await client.v1.events.list_async(options={"stripe_version": "2020-08-27"})

    assert [asked.api_version for asked in stripe_standin.asked] == ["2020-08-27"]


async def test_a_live_key_opens_a_live_account():
    standin = StripeStandIn(key="sk_live_standin")
    async with serving(standin), client_for(standin.base_url, standin.key) as client:
        session = await create_session(client)
        standin.sessions.expire(session.id)

    assert session.id.startswith("cs_live_")
    assert (session.livemode, standin.events()[0]["livemode"]) == (True, True)


async def test_a_key_gets_the_first_answer_again_and_no_second_session(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    sessions = client.v1.checkout.sessions
    first = await sessions.create_async(session_parameters(), {"idempotency_key": "row-1"})  # pyright: ignore[reportArgumentType]
    again = await sessions.create_async(session_parameters(), {"idempotency_key": "row-1"})  # pyright: ignore[reportArgumentType]
    with pytest.raises(stripe.IdempotencyError) as refused:
        await sessions.create_async(session_parameters(900), {"idempotency_key": "row-1"})  # pyright: ignore[reportArgumentType]

    assert again.id == first.id
    assert again.last_response is not None
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert refused.value.http_status == 400
    assert len(stripe_standin.sessions.newest()) == 1


async def test_a_key_in_use_is_a_conflict(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    sessions = client.v1.checkout.sessions
    stripe_standin.faults.queue("gated")
    creating = sessions.create_async(session_parameters(), {"idempotency_key": "row-1"})  # pyright: ignore[reportArgumentType]
    first = asyncio.create_task(creating)
    await stripe_standin.wait_at_gate()
    with pytest.raises(stripe.APIError) as refused:
        await sessions.create_async(session_parameters(), {"idempotency_key": "row-1"})  # pyright: ignore[reportArgumentType]
    stripe_standin.open()

    assert refused.value.http_status == 409
    assert refused.value.error is not None
    assert refused.value.error.code == "idempotency_key_in_use"
    assert (await first).status == "open"


async def test_paying_tells_every_step(stripe_standin: StripeStandIn, client: stripe.StripeClient):
    session = await create_session(client, payment_intent_data={"metadata": {"checkout": "row-1"}})
    stripe_standin.till.pay(session.id)

    paid = await client.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["payment_intent.latest_charge.balance_transaction"]}
    )
    told = [event["type"] for event in stripe_standin.events()]

    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    intent = paid.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.metadata["checkout"] == "row-1"
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.metadata["checkout"] == "row-1"
    assert isinstance(intent.latest_charge.balance_transaction, stripe.BalanceTransaction)
    assert intent.latest_charge.balance_transaction.net == 500 - 14
    assert told == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


async def test_an_expired_session_cannot_be_paid_or_expired(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    by_hand, by_itself = await create_session(client), await create_session(client)
    await client.v1.checkout.sessions.expire_async(by_hand.id)
    stripe_standin.account.later(24 * 3600 + 1)

    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        await client.v1.checkout.sessions.expire_async(by_hand.id)
    late = await client.v1.checkout.sessions.retrieve_async(by_itself.id)

    assert (late.status, late.url) == ("expired", None)
    assert len(stripe_standin.events("checkout.session.expired")) == 2
