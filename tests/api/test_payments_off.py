"""Without Stripe's keys everything says that payments are off, and works."""

from uuid import uuid4

import httpx

from tests.api.test_problems import check_problem


async def test_products_are_shown_with_their_prices_and_that_they_cannot_be_bought(
    api: httpx.AsyncClient,
):
    shown = (await api.get("/api/payments/products")).json()

    assert shown["payments"] == "off"
    assert [(one["name"], one["price"], one["credits"]) for one in shown["products"]] == [
        ("Factoid Booster Pack", "$5.00", 25),
        ("Factoid Chat", "$9.00", 200),
    ]


async def test_nothing_can_be_bought(api: httpx.AsyncClient):
    refused = check_problem(
        await api.post("/api/payments/checkout", json={"product": "booster_pack"}), 503
    )

    assert refused["code"] == "payments_off"
    assert "switched off" in refused["detail"]


async def test_the_history_is_empty_and_there_is_no_payment(api: httpx.AsyncClient):
    assert (await api.get("/api/payments/checkouts")).json() == {"items": []}
    check_problem(await api.get(f"/api/payments/checkout/{uuid4()}"), 404)


async def test_the_webhook_has_nothing_to_prove_an_event_by(api: httpx.AsyncClient):
    check_problem(await api.post("/api/payments/webhook", content=b"{}"), 503)
