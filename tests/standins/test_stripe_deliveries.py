"""What the stand-in delivers: signed as the stripe package checks it, repeated, lost, shuffled."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest
import stripe

from tests.standins.openrouter.wire import Connection, Request
from tests.standins.stripe import StripeStandIn, body_of, sign
from tests.standins.stripe.products import add_price

pytestmark = pytest.mark.anyio


class Webhook:
    """The product's side over HTTP: what arrived, and what it answers."""

    def __init__(self) -> None:
        self.arrived: list[Request] = []
        self.answers: list[int] = []
        """Statuses to answer first; 200 after that."""
        self.most_at_once = 0
        self._at_once = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(reader, writer)
        with suppress(ConnectionError):
            while request := await connection.read_request():
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                self.arrived.append(request)
                status = self.answers.pop(0) if self.answers else 200
                await asyncio.sleep(0)
                await connection.answer_json(status, {})
                self._at_once -= 1
        connection.close()

    def events(self, secret: str = "whsec_standin") -> list[stripe.Event]:
        """What arrived, read as the product reads it."""
        return [
            stripe.Webhook.construct_event(one.body, one.headers["stripe-signature"], secret)  # pyright: ignore[reportUnknownMemberType]
            for one in self.arrived
        ]

    def ids(self) -> list[str]:
        return [event.id for event in self.events()]


@pytest.fixture
async def webhook(stripe_standin: StripeStandIn) -> AsyncGenerator[Webhook]:
    webhook = Webhook()
    server = await asyncio.start_server(webhook.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    stripe_standin.deliveries.url = f"http://127.0.0.1:{port}/api/payments/webhook"
    yield webhook
    await stripe_standin.deliveries.settled()
    stripe_standin.deliveries.url = None
    server.close()


def happen(standin: StripeStandIn, count: int = 3) -> list[str]:
    """Make events; answers their ids."""
    price = add_price(standin.account, unit_amount=500, currency="usd", name="Booster")
    return [standin.account.happen("price.updated", price)["id"] for _ in range(count)]


async def test_events_are_held_until_asked_for(stripe_standin: StripeStandIn, webhook: Webhook):
    made = happen(stripe_standin)
    before = len(webhook.arrived)
    await stripe_standin.deliveries.deliver()
    await stripe_standin.deliveries.deliver()

    assert before == 0
    assert webhook.ids() == made
    assert {event.api_version for event in webhook.events()} == {stripe.api_version}
    assert [attempt.status for attempt in stripe_standin.deliveries.attempts] == [200] * 3


async def test_events_come_in_another_order_or_never(
    stripe_standin: StripeStandIn, webhook: Webhook
):
    one, two, three = happen(stripe_standin)
    first, second, third = stripe_standin.events()
    stripe_standin.deliveries.lose(second)
    await stripe_standin.deliveries.deliver(third, first)

    assert webhook.ids() == [three, one]
    assert stripe_standin.deliveries.held == []
    assert two in [event["id"] for event in stripe_standin.events()]


async def test_an_event_comes_twenty_times_at_once(stripe_standin: StripeStandIn, webhook: Webhook):
    made = happen(stripe_standin, 1)
    await stripe_standin.deliveries.deliver(times=20, together=True)

    assert webhook.ids() == made * 20
    assert webhook.most_at_once > 1


async def test_what_is_refused_comes_again_a_few_times(
    stripe_standin: StripeStandIn, webhook: Webhook
):
    made = happen(stripe_standin, 2)
    webhook.answers = [500, 302, 200, 500, 500, 500]
    await stripe_standin.deliveries.deliver()

    attempts = stripe_standin.deliveries.attempts
    assert webhook.ids() == [made[0]] * 3 + [made[1]] * 3
    assert [one.status for one in attempts] == [500, 302, 200, 500, 500, 500]
    assert [one.number for one in attempts] == [1, 2, 3, 1, 2, 3]
    assert [event["pending_webhooks"] for event in stripe_standin.events()] == [0, 1]


async def test_nobody_at_the_webhook_is_an_attempt_too(stripe_standin: StripeStandIn):
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    stripe_standin.deliveries.url = f"http://127.0.0.1:{port}/"
    happen(stripe_standin, 1)
    await stripe_standin.deliveries.deliver()
    stripe_standin.deliveries.url = None

    assert [one.status for one in stripe_standin.deliveries.attempts] == [0, 0, 0]


@pytest.mark.parametrize(("manner", "times"), [("at once", 1), ("twice", 2), ("lost", 0)])
async def test_events_may_go_out_by_themselves(
    stripe_standin: StripeStandIn, webhook: Webhook, manner: str, times: int
):
    stripe_standin.deliveries.manner = manner  # pyright: ignore[reportAttributeAccessIssue]
    made = happen(stripe_standin, 1)
    await stripe_standin.deliveries.settled()

    assert webhook.ids() == made * times


async def test_both_secrets_sign_while_one_replaces_the_other(
    stripe_standin: StripeStandIn, webhook: Webhook
):
    stripe_standin.deliveries.secrets = ["whsec_new", "whsec_standin"]
    made = happen(stripe_standin, 1)
    await stripe_standin.deliveries.deliver()

    assert [event.id for event in webhook.events("whsec_new")] == made
    assert webhook.ids() == made
    with pytest.raises(stripe.SignatureVerificationError):
        webhook.events("whsec_other")


async def test_a_stranger_may_bring_what_is_old_or_altered(
    stripe_standin: StripeStandIn, webhook: Webhook
):
    happen(stripe_standin, 1)
    body = body_of(stripe_standin.events()[0])
    old = await stripe_standin.deliveries.post(body, sign(body, ["whsec_standin"], at=1))
    none = await stripe_standin.deliveries.post(body, None)

    assert [old.status_code, none.status_code] == [200, 200]
    assert webhook.arrived[0].headers["stripe-signature"].startswith("t=1,v1=")
    assert "stripe-signature" not in webhook.arrived[1].headers
    with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
        webhook.events()
