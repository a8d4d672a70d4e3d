"""The stand-in's pages for people: every button does what it says."""

import asyncio
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import stripe

from tests.standins.stripe import StripeStandIn
from tests.standins.stripe_client import client_for, create_session

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def person(stripe_standin: StripeStandIn) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stripe_standin.base_url, trust_env=False) as http:
        yield http


@pytest.mark.parametrize(
    ("button", "paid"),
    [("pay", "paid"), ("pay_later", "unpaid"), ("use_code", "no_payment_required")],
)
async def test_a_person_pays_and_is_sent_back(
    stripe_standin: StripeStandIn,
    client: stripe.StripeClient,
    person: httpx.AsyncClient,
    button: str,
    paid: str,
):
    session = await create_session(client, allow_promotion_codes=True)
    assert session.url is not None
    page = await person.get(session.url)
    sent = await person.post(session.url, data={"action": button})
    after = await person.get(session.url)

    assert "Factoid Booster Pack" in page.text
    assert "$5.00" in page.text
    assert "stand-in" in page.text
    assert f'value="{button}"' in page.text
    assert sent.status_code == 303
    assert sent.headers["location"] == f"http://factoids.test/checkout/1?session={session.id}"
    assert stripe_standin.sessions.get(session.id)["payment_status"] == paid
    assert "is complete" in after.text
    assert "<button" not in after.text
    assert (await person.post(session.url, data={"action": button})).status_code == 400


async def test_a_person_is_declined_and_may_go_back(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, person: httpx.AsyncClient
):
    session = await create_session(client, amount=900, currency="jpy")
    assert session.url is not None
    page = await person.post(session.url, data={"action": "decline"})

    assert "Your card was declined" in page.text
    assert "¥900" in page.text
    assert 'href="http://factoids.test/checkout/1/cancelled"' in page.text
    assert 'value="use_code"' not in page.text
    assert stripe_standin.sessions.get(session.id)["status"] == "open"


async def test_words_from_outside_are_no_markup(
    client: stripe.StripeClient, person: httpx.AsyncClient
):
    told = "<script>alert(1)</script>"
    session = await create_session(
        client,
        name=told,
        client_reference_id=told,
        custom_text={"submit": {"message": told}},
    )
    assert session.url is not None
    open_pages = [await person.get(session.url), await person.get("/")]
    await person.post(session.url, data={"action": "pay"})
    pages = [*open_pages, await person.get(session.url), await person.get("/")]

    assert [told in page.text for page in pages] == [False] * 4
    assert all("&lt;script&gt;" in page.text for page in pages)


async def press(person: httpx.AsyncClient, said: str) -> None:
    """Press the first button of the staff's page that says so."""
    page = (await person.get("/")).text
    form = next(form for form in re.findall("<form.*?</form>", page) if f">{said}</button" in form)
    address = re.search('action="([^"]+)"', form)
    assert address
    fields = dict(re.findall('type="(?:hidden|number)" name="([^"]+)"[^>]* value="([^"]+)"', form))
    answer = await person.post(address[1], data=fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    ("begin", "buttons", "last"),
    [
        ("", ["Expire"], "checkout.session.expired"),
        ("pay_later", ["Async succeeded"], "checkout.session.async_payment_succeeded"),
        ("pay_later", ["Async failed"], "checkout.session.async_payment_failed"),
        ("pay", ["Refund"], "charge.refunded"),
        ("pay", ["Refund", "Refund of $5.00 fails"], "refund.failed"),
        ("pay", ["Dispute", "Dispute won"], "charge.dispute.closed"),
        ("pay", ["Dispute", "Dispute lost"], "charge.dispute.closed"),
    ],
)
async def test_staff_press_what_may_happen(
    stripe_standin: StripeStandIn,
    client: stripe.StripeClient,
    person: httpx.AsyncClient,
    begin: str,
    buttons: list[str],
    last: str,
):
    session = await create_session(client)
    if begin:
        getattr(stripe_standin.till, begin)(session.id)
    for said in buttons:
        await press(person, said)

    assert stripe_standin.events()[-1]["type"] == last
    assert f">{buttons[-1]}</button" not in (await person.get("/")).text


async def test_a_slow_refund_waits_for_its_button(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, person: httpx.AsyncClient
):
    session = await create_session(client)
    stripe_standin.till.pay(session.id)
    charge = stripe_standin.charge_of(session.id)
    asked = {"id": charge["id"], "amount": "200", "slow": "true"}
    await person.post("/staff/refund", data=asked)
    [refund] = stripe_standin.account.newest("refund")
    before = refund["status"]
    await press(person, "Refund of $2.00 arrives")

    assert (before, refund["status"]) == ("pending", "succeeded")
    assert not stripe_standin.refunds.slow
    assert (await person.post("/staff/refund", data=asked | {"amount": "301"})).status_code == 400


async def test_an_event_is_delivered_by_a_button(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, person: httpx.AsyncClient
):
    session = await create_session(client)
    # The API of the stand-in itself refuses what is not for it.
    stripe_standin.deliveries.url = f"{stripe_standin.base_url}/v1/events"
    stripe_standin.sessions.expire(session.id)
    await press(person, "Deliver")
    await stripe_standin.deliveries.settled()
    page = await person.get("/")
    await person.post("/staff/manner", data={"id": "twice"})
    stripe_standin.deliveries.url = None

    assert "401, 401, 401" in page.text
    assert stripe_standin.deliveries.held == []
    assert stripe_standin.deliveries.manner == "twice"


@asynccontextmanager
async def program(*options: str) -> AsyncGenerator[str]:
    """The stand-in as a person starts it, and its address."""
    command = [sys.executable, "-m", "tests.standins.stripe", *options]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().split()[-1]
    finally:
        process.kill()
        await process.wait()


async def test_the_program_keeps_its_account_though_it_is_killed(tmp_path: Path):
    options = ("--key", "sk_test_other", "--memory", str(tmp_path / "stripe.json"))
    async with program(*options) as address, client_for(address, "sk_test_other") as client:
        session = await create_session(client)
        async with httpx.AsyncClient(base_url=address, trust_env=False) as http:
            await http.post(urlsplit(session.url or "").path, data={"action": "pay"})
    async with program(*options) as address, client_for(address, "sk_test_other") as client:
        paid = await client.v1.checkout.sessions.retrieve_async(session.id)
        assert isinstance(paid.payment_intent, str)
        refund = await client.v1.refunds.create_async({"payment_intent": paid.payment_intent})
        with pytest.raises(stripe.AuthenticationError):
            async with client_for(address, "sk_test_standin") as stranger:
                await stranger.v1.events.list_async()

    assert (paid.payment_status, refund.amount) == ("paid", 500)
    assert urlsplit(address).hostname == "127.0.0.1"
