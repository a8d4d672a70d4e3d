"""A payment watched over server-sent events: from open to paid to being written."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from tests.factories import Factories
from tests.fixtures.payments import CHECKOUT, Shop


async def told(
    client: httpx.AsyncClient, checkout_id: str, **headers: str
) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
    """The events of a checkout: the id and the data of each."""
    path = f"{CHECKOUT}/{checkout_id}/stream"
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        mark = ""
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                mark = value
            elif name == "data":
                yield mark, msgspec.json.decode(value)


async def test_it_tells_each_state_and_ends_when_the_writing_begins(
    shop: Shop, buyer: httpx.AsyncClient, make: Factories
):
    await make.model()
    out = await shop.buy(buyer, topic="owls")
    session_id = await shop.session_of(out["id"])
    seen: list[dict[str, Any]] = []
    async for _, state in told(buyer, out["id"]):
        seen.append(state)
        if state["status"] == "open":
            shop.stripe.till.pay_later(session_id)
            await shop.stripe.deliveries.deliver()
        elif state["status"] == "processing":
            shop.stripe.till.succeed(session_id)
            await shop.stripe.deliveries.deliver()

    assert [one["status"] for one in seen] == ["open", "processing", "paid"]
    assert seen[-1] == await shop.see(buyer, out["id"])
    assert seen[-1]["generation_request_id"]
    asked = await buyer.get(f"/api/factoids/generate/{seen[-1]['generation_request_id']}")
    assert (asked.status_code, asked.json()["topic"]) == (200, "owls")


async def test_it_finds_out_by_itself_when_the_webhook_is_lost(
    shop: Shop, buyer: httpx.AsyncClient
):
    out = await shop.buy(buyer)
    session_id = await shop.session_of(out["id"])
    seen: list[str] = []
    async for _, state in told(buyer, out["id"]):
        seen.append(state["status"])
        if state["status"] == "open":
            shop.stripe.till.pay(session_id)
            shop.stripe.deliveries.lose()

    assert seen == ["open", "paid"]


async def test_it_waits_for_what_is_to_be_written_and_says_when_that_was_given_up(
    shop: Shop, buyer: httpx.AsyncClient
):
    """There is no model, so it cannot begin."""
    out = await shop.buy(buyer, topic="owls")
    shop.stripe.till.pay(await shop.session_of(out["id"]))
    await shop.stripe.deliveries.deliver()
    seen: list[bool] = []
    async for _, state in told(buyer, out["id"]):
        seen.append(state["wish_given_up"])
        async with shop.database.engine.begin() as connection:
            await connection.execute(text("UPDATE checkouts SET generation_abandoned_at = now()"))

    assert seen == [False, True]


@pytest.mark.parametrize("ending", ["expired", "failed", "paid", "refunded"])
async def test_whoever_has_seen_the_end_is_told_so(
    shop: Shop, buyer: httpx.AsyncClient, ending: str
):
    out = await shop.buy(buyer)
    session_id = await shop.session_of(out["id"])
    if ending == "expired":
        shop.stripe.sessions.expire(session_id)
    elif ending == "failed":
        shop.stripe.till.pay_later(session_id)
        shop.stripe.till.fail(session_id)
    else:
        shop.stripe.till.pay(session_id)
    if ending == "refunded":
        shop.stripe.refunds.refund(shop.stripe.charge_of(session_id), 500)
    await shop.stripe.deliveries.deliver()

    events = [one async for one in told(buyer, out["id"])]
    again = await buyer.get(
        f"{CHECKOUT}/{out['id']}/stream", headers={"Last-Event-ID": events[-1][0]}
    )

    assert [state["status"] for _, state in events] == [ending]
    assert again.status_code == 204
