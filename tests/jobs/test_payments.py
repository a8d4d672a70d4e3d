"""Payments in the worker and at the command line, as processes."""

import subprocess

import httpx

from tests.fixtures.generation import GenerationHarness
from tests.fixtures.payments import Shop, selling
from tests.processes import run_command, running_api, running_worker, until
from tests.sinks import receiving_json
from tests.standins.openrouter.running import RunningOpenRouter


async def command(shop: Shop, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of staff's, which asks the stand-in for Stripe."""
    return await run_command(name, *arguments, **selling(shop.stripe))


async def paid(shop: Shop, buyer: httpx.AsyncClient, **wish: str) -> str:
    out = await shop.buy(buyer, **wish)
    shop.stripe.till.pay(await shop.session_of(out["id"]))
    return out["id"]


async def test_a_worker_that_starts_finds_what_was_paid_meanwhile(
    shop: Shop, buyer: httpx.AsyncClient
):
    checkout_id = await paid(shop, buyer)
    shop.stripe.deliveries.lose()

    async def found() -> bool:
        return (await shop.row(checkout_id)).status == "paid"

    async with running_worker(**selling(shop.stripe)):
        await until(found, "the payment to be found")

    assert await shop.credits(checkout_id) == (1, 25)


async def test_what_was_wished_is_written(
    shop: Shop,
    buyer: httpx.AsyncClient,
    standin: RunningOpenRouter,
    generation_harness: GenerationHarness,
):
    """From the payment to the factoid, with nobody pressing anything more."""
    checkout_id = await paid(shop, buyer, topic="octopuses")
    await shop.stripe.deliveries.deliver()
    request_id = (await shop.row(checkout_id)).generation_request_id
    asks = {"OPENROUTER_BASE_URL": standin.base_url, "MODELS_ALLOWED": "openai/gpt-4o-mini"}

    async with running_worker(**selling(shop.stripe) | asks):
        (request,) = await generation_harness.ended(request_id)

    assert request.status == "succeeded"
    (credits,) = await shop.all("SELECT granted, held, used FROM credit_grants")
    assert tuple(credits) == (25, 0, 1)


async def test_staff_refund_with_one_command(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id = await paid(shop, buyer)
    await shop.stripe.deliveries.deliver()

    done = await command(shop, "refund_checkout", checkout_id)
    again = await command(shop, "refund_checkout", checkout_id)

    assert done.returncode == 0
    assert done.stdout == "$5.00 of $5.00 went back, and 25 credits of 25 with it.\n"
    assert again.returncode == 1
    assert "Nothing is left of this payment to send back." in again.stderr
    assert await shop.credits(checkout_id) == (1, 0)


async def test_the_nightly_check_says_and_tells_what_differs(shop: Shop, buyer: httpx.AsyncClient):
    checkout_id = await paid(shop, buyer)
    await shop.stripe.deliveries.deliver()
    charge = shop.stripe.charge_of(await shop.session_of(checkout_id))
    right = await command(shop, "check_payments")
    charge["amount_refunded"] = 1
    async with shop.database.engine.begin() as connection:
        await connection.exec_driver_sql("UPDATE checkouts SET checked_at = NULL")

    wrong = await command(shop, "check_payments")

    assert (right.returncode, right.stdout) == (0, "The payments are right.\n")
    assert wrong.returncode == 1
    assert f"{checkout_id}: 500 by our entries, 499 at Stripe." in wrong.stderr
    (alert,) = await shop.all("SELECT level, channel FROM budget_alerts")
    assert tuple(alert) == ("payments_differ", "log")


async def test_posthog_is_told_of_payments_and_of_nobody(shop: Shop):
    """Off the path of any request: the site writes down what the worker tells."""
    with receiving_json() as posthog:
        told = {"POSTHOG_API_KEY": "phc_test", "POSTHOG_HOST": posthog.url}
        async with running_api(**selling(shop.stripe) | told) as api, api.client() as buyer:
            shop.stripe.deliveries.url = f"{api.url}/api/payments/webhook"
            checkout_id = await paid(shop, buyer, topic="the secret life of owls")
            await shop.stripe.deliveries.deliver()
            shop.stripe.refunds.refund(
                shop.stripe.charge_of(await shop.session_of(checkout_id)), 100
            )
            other = await shop.buy(buyer, product="chat")
            shop.stripe.sessions.expire(await shop.session_of(other["id"]))
            # Twice, as Stripe may: told once.
            await shop.stripe.deliveries.deliver(*shop.stripe.deliveries.held, times=2)
        owner = str((await shop.row(checkout_id)).owner_id)

        async def arrived() -> bool:
            return len(posthog.bodies) >= 5

        async with running_worker(**selling(shop.stripe) | told):
            await until(arrived, "PostHog to be told")

    events = [(one["event"], one["properties"]["checkout_id"]) for one in posthog.bodies]
    assert sorted(events) == sorted(
        [
            ("stripe_checkout_initiated", checkout_id),
            ("stripe_checkout_fulfilled", checkout_id),
            ("stripe_checkout_refunded", checkout_id),
            ("stripe_checkout_initiated", other["id"]),
            ("stripe_checkout_failed", other["id"]),
        ]
    )
    everything = str(posthog.bodies)
    for secret in ("owls", "@", owner):
        assert secret not in everything
