"""Buying over HTTP: one session however often it is asked for, and what is sold is the server's."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from redis.asyncio import Redis

from db.repositories.accounts import AccountRepository
from db.session import Database
from domain.accounts.service import AlreadySignedOut
from domain.caller import STAFF, Caller
from domain.idempotency import Attempt
from domain.payments.checkouts import Checkouts, Purchase
from domain.payments.stripe import Stripe, StripeAway
from tests.api.test_problems import check_problem
from tests.configuration import settings
from tests.fixtures.payments import CHECKOUT, Shop, selling
from tests.processes import RunningAPI, running_api
from tests.services import services_on
from tests.standins.stripe import StripeStandIn
from tests.standins.stripe.api import Asked

SESSIONS = "/v1/checkout/sessions"


@pytest.fixture(scope="module")
async def priced_api(
    empty_database: None, started_stripe: StripeStandIn
) -> AsyncGenerator[RunningAPI]:
    """One that sells by prices of Stripe's, and to one network two things an hour."""
    prices = {
        "STRIPE_PRICE_BOOSTER_PACK": "price_pack",
        "STRIPE_PRICE_CHAT": "price_chat",
        "CHECKOUT_LIMITS": "2/3600",
    }
    async with running_api(**selling(started_stripe) | prices) as api:
        yield api


@pytest.fixture
async def priced(shop: Shop, priced_api: RunningAPI) -> AsyncGenerator[httpx.AsyncClient]:
    shop.stripe.add_price("price_pack", unit_amount=500, currency="usd", name="Pack")
    shop.stripe.add_price("price_chat", unit_amount=100, currency="usd", name="Chat")
    async with priced_api.client() as client:
        yield client


@pytest.fixture
async def yen(shop: Shop, started_stripe: StripeStandIn) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody who buys in Japan."""
    prices = {"PAYMENTS_CURRENCY": "jpy", "PRICE_BOOSTER_PACK": "800", "PRICE_CHAT": "1400"}
    async with running_api(**selling(started_stripe) | prices) as api, api.client() as client:
        yield client


def created(shop: Shop) -> list[Asked]:
    """The sessions Stripe was asked to make."""
    return [one for one in shop.stripe.asked if (one.method, one.path) == ("POST", SESSIONS)]


async def test_a_checkout_says_what_is_bought_and_where_to_pay(
    shop: Shop, buyer: httpx.AsyncClient
):
    out = await shop.buy(buyer)

    assert (out["status"], out["price"], out["amount"], out["credits"]) == (
        "open",
        "$5.00",
        500,
        25,
    )
    assert out["url"].startswith(shop.stripe.base_url)
    assert out["paid_at"] is None
    assert await shop.see(buyer, out["id"]) == out
    assert (await buyer.get("/api/payments/checkouts")).json() == {"items": [out]}
    assert (await buyer.get("/api/payments/products")).json()["payments"] == "on"


async def test_all_that_stripe_is_told_comes_from_the_server(shop: Shop, buyer: httpx.AsyncClient):
    out = await shop.buy(buyer, topic="the secret life of owls")

    (asked,) = created(shop)
    page = f"http://factoids.test/checkout/{out['id']}"
    assert asked.api_version == "2026-10-28.endive"
    assert asked.idempotency_key == out["id"]
    assert asked.params["client_reference_id"] == out["id"]
    assert asked.params["success_url"] == f"{page}?session={{CHECKOUT_SESSION_ID}}"
    assert asked.params["cancel_url"] == f"{page}/cancelled"
    assert asked.params["allow_promotion_codes"] == "true"
    known = {"checkout_id": out["id"], "product": "booster_pack"}
    assert asked.params["metadata"] == asked.params["payment_intent_data"]["metadata"] == known
    session = shop.stripe.sessions.get(await shop.session_of(out["id"]))
    assert (session["amount_total"], session["currency"]) == (500, "usd")
    assert "owls" not in str(asked.params)


@pytest.mark.parametrize(
    "field",
    ["amount", "price", "currency", "success_url", "cancel_url", "metadata", "id", "session_id"],
)
async def test_nobody_says_what_it_costs_or_where_it_leads(
    shop: Shop, buyer: httpx.AsyncClient, field: str
):
    body = {"product": "chat", field: "https://evil.example"}

    check_problem(await buyer.post(CHECKOUT, json=body), 422)
    assert created(shop) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"product": "yacht"}, id="nothing we sell"),
        pytest.param({"product": "chat", "topic": "owls"}, id="a wish the chat cannot grant"),
        pytest.param({"product": "booster_pack", "topic": "o" * 121}, id="too long a topic"),
        pytest.param({"product": "booster_pack", "model": "no/such"}, id="no such model"),
    ],
)
async def test_what_cannot_be_bought_is_refused_before_stripe_is_asked(
    shop: Shop, buyer: httpx.AsyncClient, make: Any, body: dict[str, str]
):
    await make.model()

    check_problem(await buyer.post(CHECKOUT, json=body), 422)
    assert created(shop) == []


async def test_asked_twice_there_is_one_session(shop: Shop, buyer: httpx.AsyncClient):
    first, second = await shop.buy(buyer), await shop.buy(buyer)

    assert second == first
    assert len(created(shop)) == 1


async def test_a_double_click_makes_one_session(shop: Shop, buyer: httpx.AsyncClient):
    await buyer.post("/api/keys", json={"name": "only for the cookie"})

    clicks = await asyncio.gather(*(shop.buy(buyer) for _ in range(10)))

    assert len({one["id"] for one in clicks}) == 1
    assert len({one["url"] for one in clicks}) == 1
    assert len(shop.stripe.sessions.newest()) == 1
    assert len(await shop.all("SELECT id FROM checkouts")) == 1


async def test_another_offer_is_another_session(shop: Shop, buyer: httpx.AsyncClient):
    bought = [
        await shop.buy(buyer),
        await shop.buy(buyer, product="chat"),
        await shop.buy(buyer, topic="owls"),
        await shop.buy(buyer, topic="larks"),
    ]

    assert len({one["id"] for one in bought}) == 4
    assert [one["wished"] for one in bought] == [False, False, True, True]
    assert bought[1]["price"] == "$9.00"


async def test_a_repeat_under_its_key_is_answered_as_before(shop: Shop, buyer: httpx.AsyncClient):
    await buyer.post("/api/keys", json={"name": "only for the cookie"})
    key = {"Idempotency-Key": "once"}
    body = {"product": "chat"}

    first = await buyer.post(CHECKOUT, json=body, headers=key)
    again = await buyer.post(CHECKOUT, json=body, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()


TRIES = {"cut-after": 3, "409": 3}
"""What the package tries again by itself, and how often in all."""


@pytest.mark.parametrize("fault", ["cut-after", "malformed", "html"])
async def test_a_session_whose_answer_was_lost_is_the_one_that_is_paid(
    shop: Shop, buyer: httpx.AsyncClient, fault: str
):
    """However often it is lost: Stripe answers the same key with the same session."""
    await buyer.post("/api/keys", json={"name": "only for the cookie"})
    shop.stripe.faults.queue(*[fault] * TRIES.get(fault, 1), at=f"POST {SESSIONS}")

    lost = await buyer.post(CHECKOUT, json={"product": "chat"})
    out = await shop.buy(buyer, product="chat")

    assert check_problem(lost, 503)["code"] == "payments_away"
    assert [one["id"] for one in shop.stripe.sessions.newest()] == [
        await shop.session_of(out["id"])
    ]
    assert len(await shop.all("SELECT id FROM checkouts")) == 1


async def test_after_an_error_that_stripe_would_repeat_there_is_a_new_checkout(
    shop: Shop, buyer: httpx.AsyncClient
):
    await buyer.post("/api/keys", json={"name": "only for the cookie"})
    shop.stripe.faults.queue("500-after", at=f"POST {SESSIONS}")

    check_problem(await buyer.post(CHECKOUT, json={"product": "chat"}), 503)
    out = await shop.buy(buyer, product="chat")

    assert out["status"] == "open"
    statuses = await shop.all("SELECT status FROM checkouts ORDER BY created_at")
    assert [one.status for one in statuses] == ["failed", "open"]


async def test_who_tries_again_under_the_same_key_after_such_an_error_can_pay(
    shop: Shop, buyer: httpx.AsyncClient
):
    """As the refusal says they should."""
    key = {"Idempotency-Key": str(uuid4())}
    shop.stripe.faults.queue(*["500"] * 3, at=f"POST {SESSIONS}")
    refused = await buyer.post(CHECKOUT, json={"product": "chat"}, headers=key)

    tried = [await buyer.post(CHECKOUT, json={"product": "chat"}, headers=key) for _ in range(2)]

    assert refused.status_code == 503
    assert [one.status_code for one in tried] == [201, 201]
    assert (tried[0].json()["status"], tried[0].content) == ("open", tried[1].content)
    assert len(shop.stripe.sessions.newest()) == 1


@pytest.mark.parametrize("fault", ["401", "403", "409", "429-no-retry"])
async def test_when_stripe_cannot_be_used_the_same_checkout_waits(
    shop: Shop, buyer: httpx.AsyncClient, fault: str
):
    await buyer.post("/api/keys", json={"name": "only for the cookie"})
    shop.stripe.faults.queue(*[fault] * TRIES.get(fault, 1), at=f"POST {SESSIONS}")

    refused = check_problem(await buyer.post(CHECKOUT, json={"product": "chat"}), 503)
    await shop.buy(buyer, product="chat")

    assert refused["code"] == "payments_away"
    assert "Stripe" in refused["detail"]
    assert len(await shop.all("SELECT id FROM checkouts")) == 1


async def test_once_it_has_expired_it_can_be_bought_anew(shop: Shop, buyer: httpx.AsyncClient):
    first = await shop.buy(buyer)
    shop.stripe.sessions.expire(await shop.session_of(first["id"]))

    second = await shop.buy(buyer)

    assert second["id"] != first["id"]
    expired = await shop.see(buyer, first["id"])
    assert (expired["status"], expired["url"]) == ("expired", None)


async def test_a_key_buys_for_the_visitor_it_belongs_to(shop: Shop, buyer: httpx.AsyncClient):
    made = await buyer.post("/api/keys", json={"name": "script", "scopes": ["generate", "read"]})
    bearing = {"Authorization": f"Bearer {made.json()['token']}"}
    async with shop.api.client(headers=bearing) as script:
        out = await shop.buy(script)

    assert await shop.see(buyer, out["id"]) == out


async def test_payments_begun_are_limited(shop: Shop, priced: httpx.AsyncClient):
    for topic in ("owls", "larks"):
        assert await shop.buy(priced, topic=topic)

    refused = await priced.post(CHECKOUT, json={"product": "booster_pack"})

    assert check_problem(refused, 429)["code"] == "checkout_limit"
    # One that was begun is shown all the same.
    assert await shop.buy(priced, topic="owls")


async def test_a_price_of_stripes_must_say_what_we_say(shop: Shop, priced: httpx.AsyncClient):
    out = await shop.buy(priced)
    refused = await priced.post(CHECKOUT, json={"product": "chat"})

    (asked, _) = created(shop)
    assert asked.params["line_items"][0]["price"] == "price_pack"
    assert out["amount"] == 500
    check_problem(refused, 503)


async def test_there_are_currencies_without_cents(shop: Shop, yen: httpx.AsyncClient):
    out = await shop.buy(yen)

    session = shop.stripe.sessions.get(await shop.session_of(out["id"]))
    assert (out["price"], session["amount_total"], session["currency"]) == ("¥800", 800, "jpy")
    UUID(out["id"])


async def test_a_key_that_belongs_to_no_visitor_buys_nothing(
    shop: Shop, database: Database, redis: Redis
):
    """Nobody would own the credits."""
    made = await services_on(database, redis).accounts.make_key(STAFF, "the site's own")
    async with shop.api.client(headers={"Authorization": f"Bearer {made.token}"}) as script:
        refused = await script.post(CHECKOUT, json={"product": "chat"})

    assert check_problem(refused, 403)["code"] == "nobodys_key"
    assert created(shop) == []


def checkouts_of(database: Database, redis: Redis, stripe: Stripe) -> Checkouts:
    services = services_on(database, redis)
    services.stripe = stripe
    return services.checkouts


async def test_a_session_made_by_a_request_that_timed_out_is_the_one_that_is_paid(
    shop: Shop, database: Database, redis: Redis
):
    """Three tries of the package's own, all of them unanswered; then the visitor tries again."""
    impatient_harness = Stripe(
        shop.stripe.key,
        site_url=settings.site_url,
        api_url=shop.stripe.base_url,
        timeout=httpx.Timeout(0.2),
    )
    checkouts = checkouts_of(database, redis, impatient_harness)
    caller = Caller("visitor", uuid4(), "192.0.2.0/24")
    shop.stripe.faults.queue(*["hang-after"] * 3, at=f"POST {SESSIONS}")

    with pytest.raises(StripeAway):
        await checkouts.start(caller, Purchase("chat"), Attempt(uuid4(), first=True))
    patient = await checkouts.start(caller, Purchase("chat"), Attempt(uuid4(), first=True))
    await impatient_harness.close()

    (session,) = shop.stripe.sessions.newest()
    assert patient.session_id == session["id"]
    assert len(created(shop)) == 4


async def test_who_signs_out_while_paying_keeps_what_is_paid_for(
    shop: Shop, buyer: httpx.AsyncClient
):
    """Else the credits would be nobody's."""
    out = await shop.buy(buyer)

    refused = check_problem(await buyer.delete("/api/session"), 409)
    signed_out = await buyer.delete("/api/session", params={"keep_credits": True})
    shop.stripe.till.pay(await shop.session_of(out["id"]))
    await shop.stripe.deliveries.deliver()

    assert refused["code"] == "credits_left"
    assert signed_out.is_success
    assert (await shop.see(buyer, out["id"]))["status"] == "paid"
    (balance,) = (await buyer.get("/api/payments/credits")).json()["balances"]
    assert (balance["product"], balance["left"]) == ("booster_pack", 25)


async def test_who_has_signed_out_elsewhere_buys_nothing_for_nobody(
    shop: Shop, database: Database, redis: Redis
):
    """Another process may not know it yet for two seconds, and would take their money."""
    stripe = Stripe(shop.stripe.key, site_url=settings.site_url, api_url=shop.stripe.base_url)
    checkouts = checkouts_of(database, redis, stripe)
    caller = Caller("visitor", uuid4(), "192.0.2.0/24")
    await checkouts.start(caller, Purchase("booster_pack"), Attempt(uuid4(), first=True))
    async with database.sessions.begin() as session:
        await AccountRepository(session).sign_out(caller.id or uuid4(), None)

    with pytest.raises(AlreadySignedOut):
        await checkouts.start(caller, Purchase("chat"), Attempt(uuid4(), first=True))
    await stripe.close()

    assert len(shop.stripe.sessions.newest()) == 1


async def test_who_signs_out_during_a_dispute_keeps_what_may_come_back(
    shop: Shop, buyer: httpx.AsyncClient
):
    out = await shop.buy(buyer)
    session_id = await shop.session_of(out["id"])
    shop.stripe.till.pay(session_id)
    dispute = shop.stripe.disputes.open(shop.stripe.charge_of(session_id))
    await shop.stripe.deliveries.deliver()

    refused = check_problem(await buyer.delete("/api/session"), 409)
    await buyer.delete("/api/session", params={"keep_credits": True})
    shop.stripe.disputes.win(dispute["id"])
    await shop.stripe.deliveries.deliver()

    assert refused["code"] == "credits_left"
    (balance,) = (await buyer.get("/api/payments/credits")).json()["balances"]
    assert balance["left"] == 25
