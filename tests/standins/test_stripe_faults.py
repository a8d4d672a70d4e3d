"""What goes wrong at the stand-in for Stripe when a test says so, as the stripe package sees it."""

from collections.abc import AsyncGenerator

import httpx
import pytest
import stripe

from tests.standins.stripe import StripeStandIn
from tests.standins.stripe.faults import AFTER, BEFORE, REFUSALS
from tests.standins.stripe_client import session_parameters

pytestmark = pytest.mark.anyio

KEYED = {"idempotency_key": "row-1"}
ERRORS: dict[str, type[stripe.StripeError]] = {
    "401": stripe.AuthenticationError,
    "402": stripe.CardError,
    "403": stripe.PermissionError,
    "409": stripe.APIError,
    "429": stripe.RateLimitError,
    "500": stripe.APIError,
    "503": stripe.APIError,
}


@pytest.fixture
async def impatient_harness(stripe_standin: StripeStandIn) -> AsyncGenerator[stripe.StripeClient]:
    """A client that waits half a second for an answer and never asks again by itself."""
    http = stripe.HTTPXClient(allow_sync_methods=False, timeout=httpx.Timeout(10, read=0.5))
    yield stripe.StripeClient(
        stripe_standin.key, base_addresses={"api": stripe_standin.base_url}, http_client=http
    )
    await http.close_async()


async def open_session(client: stripe.StripeClient) -> stripe.checkout.Session:
    return await client.v1.checkout.sessions.create_async(session_parameters(), KEYED)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("fault", REFUSALS)
async def test_a_refusal_does_nothing_and_is_not_kept(
    stripe_standin: StripeStandIn, client: stripe.StripeClient, fault: str
):
    stripe_standin.faults.queue(fault)
    with pytest.raises(ERRORS[fault[:3]]) as refused:
        await open_session(client)
    made = len(stripe_standin.sessions.newest())
    again = await open_session(client)

    assert refused.value.http_status == int(fault[:3])
    assert refused.value.request_id
    assert made == 0
    assert again.status == "open"
    assert [asked.status for asked in stripe_standin.asked] == [int(fault[:3]), 200]


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        *((fault, 0) for fault in BEFORE if fault != "gated"),
        *((fault, 1) for fault in AFTER if fault != "500-after"),
    ],
)
async def test_an_answer_may_be_lost_before_or_after_the_work(
    stripe_standin: StripeStandIn, impatient_harness: stripe.StripeClient, fault: str, made: int
):
    stripe_standin.faults.queue(fault)
    with pytest.raises((stripe.APIConnectionError, stripe.APIError)):
        await open_session(impatient_harness)
    then = len(stripe_standin.sessions.newest())
    again = await open_session(impatient_harness)

    assert then == made
    assert [one["id"] for one in stripe_standin.sessions.newest()] == [again.id]


async def test_a_failure_after_the_work_is_kept_for_its_key(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    stripe_standin.faults.queue("500-after")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            await open_session(client)
        assert failed.value.http_status == 500
        assert failed.value.headers is not None
        assert failed.value.headers["stripe-should-retry"] == "false"

    assert len(stripe_standin.sessions.newest()) == 1


async def test_the_package_asks_again_by_itself_where_it_is_told_to(
    stripe_standin: StripeStandIn, client: stripe.StripeClient
):
    stripe_standin.faults.queue("429-lock", "cut-after", at="POST /v1/checkout/sessions")
    options = {**KEYED, "max_network_retries": 2}
    session = await client.v1.checkout.sessions.create_async(session_parameters(), options)  # pyright: ignore[reportArgumentType]
    other = await client.v1.events.list_async()

    assert [one["id"] for one in stripe_standin.sessions.newest()] == [session.id]
    assert other.data == []
    assert [(asked.fault, asked.status) for asked in stripe_standin.asked] == [
        ("429-lock", 429),
        ("cut-after", None),
        ("", 200),
        ("", 200),
    ]
    assert {asked.idempotency_key for asked in stripe_standin.asked[:3]} == {"row-1"}
    assert {asked.api_version for asked in stripe_standin.asked} == {stripe.api_version}


async def test_a_fault_that_does_not_exist_is_named(stripe_standin: StripeStandIn):
    with pytest.raises(ValueError, match="no fault '418'"):
        stripe_standin.faults.queue("418")
