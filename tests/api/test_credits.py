"""Credits over HTTP: what one has, and a factoid asked for with one."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.visitor_cookie import VisitorTokens
from tests.configuration import settings
from tests.credit_account import Account
from tests.fixtures.api import api_client
from tests.fixtures.generation import MODEL
from tests.processes import RunningAPI, running_api

CREDITS = "/api/payments/credits"
GENERATE = "/api/factoids/generate"
ON_CREDIT = {"pay_with": "credit", "model": MODEL}
TIGHT = {
    "GENERATE_LIMITS": "1/86400",
    "BUDGET_VISITORS_USD": "0",
    "TRUSTED_PROXY_HOPS": "1",
    "WRITE_POOL_SIZE": "4",
}


@pytest.fixture(scope="module")
async def two_apis(empty_database: None) -> AsyncGenerator[list[RunningAPI]]:
    async with running_api(**TIGHT) as one, running_api(**TIGHT) as other:
        yield [one, other]


async def become(client: httpx.AsyncClient, database: Any) -> Account:
    """Let a client have an identity, and tell it."""
    await client.post("/api/keys", json={"name": "for the cookie"})
    known = VisitorTokens(settings.secret_key).read(client.cookies["visitor"].encode())
    assert known
    return Account(database, known[0])


async def balance_of(client: httpx.AsyncClient) -> dict[str, Any]:
    (balance,) = (await client.get(CREDITS)).json()["balances"]
    return balance


async def test_credits_are_shown_with_their_history_newest_first(api, database, model):
    account = await become(api, database)
    assert (await api.get(CREDITS)).json() == {"balances": [], "history": []}
    checkout_id = await account.buy(25)
    asked = (await api.post(GENERATE, json=ON_CREDIT)).json()

    answer = await api.get(CREDITS)

    assert answer.headers["cache-control"] == "private, no-store"
    (balance,), history = answer.json()["balances"], answer.json()["history"]
    assert balance == {
        "product": "booster_pack",
        "left": 24,
        "held": 1,
        "granted": 25,
        "used": 0,
        "revoked": 0,
    }
    told = [(one["kind"], one["credits"], one["left_change"]) for one in history]
    assert told == [("hold", 1, -1), ("grant", 25, 25)]
    assert [one["request_id"] for one in history] == [asked["id"], None]
    assert {one["checkout_id"] for one in history} == {str(checkout_id)}


async def test_the_receipt_the_limits_and_the_quote_tell_of_credits(api, database, model):
    account = await become(api, database)
    await account.buy(2)
    asked = (await api.post(GENERATE, json=ON_CREDIT)).json()
    free = (await api.post(GENERATE, json={})).json()

    assert (asked["receipt"]["credit"], free["receipt"]["credit"]) == ("held", None)
    assert (await api.get("/api/factoids/limits")).json()["credits_left"] == 1
    assert (await api.get("/api/factoids/quote")).json()["credits_left"] == 1
    cancelled = (await api.delete(f"{GENERATE}/{asked['id']}")).json()
    listed = (await api.get(GENERATE)).json()["items"]
    assert cancelled["receipt"]["credit"] == "given_back"
    assert [one["receipt"]["credit"] for one in listed] == [None, "given_back"]
    assert (await api.get("/api/factoids/limits")).json()["credits_left"] == 2


async def test_without_a_credit_it_says_so_in_plain_words(api, model):
    answer = await api.post(GENERATE, json=ON_CREDIT)

    assert (answer.status_code, answer.json()["code"]) == (402, "no_credits")
    assert answer.json()["detail"].startswith("You have no credits left.")


async def test_a_bad_way_to_pay_is_refused_at_its_field(api, model):
    answer = await api.post(GENERATE, json={"pay_with": "promises"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/pay_with"


async def test_the_same_idempotency_key_holds_one_credit(api, database, model):
    account = await become(api, database)
    await account.buy(5)
    headers = {"Idempotency-Key": "a-double-click"}

    answers = [await api.post(GENERATE, json=ON_CREDIT, headers=headers) for _ in range(3)]

    assert len({one.json()["id"] for one in answers}) == 1
    assert await account.balance() == (4, 1, 0, 0)


async def test_an_api_key_sees_and_uses_the_credits_of_who_made_it(api, app, database, model):
    account = await become(api, database)
    await account.buy(5)
    made = (
        await api.post("/api/keys", json={"name": "script", "scopes": ["read", "generate"]})
    ).json()

    async with api_client(app, "198.51.100.1") as script:
        script.headers["Authorization"] = f"Bearer {made['token']}"
        asked = await script.post(GENERATE, json=ON_CREDIT)
        seen = await balance_of(script)

    assert asked.status_code == 202
    assert (seen["left"], seen["held"]) == (4, 1)
    assert await account.balance() == (4, 1, 0, 0)


async def test_nobody_uses_or_sees_another_visitors_credits(api, app, database, model):
    account = await become(api, database)
    await account.buy(5)

    async with api_client(app, "198.51.100.2") as stranger:
        await become(stranger, database)
        assert (await stranger.get(CREDITS)).json() == {"balances": [], "history": []}
        assert (await stranger.post(GENERATE, json=ON_CREDIT)).status_code == 402
        made = (await stranger.post("/api/keys", json={"name": "x"})).json()
        stranger.headers["Authorization"] = f"Bearer {made['token']}"
        assert (await stranger.post(GENERATE, json=ON_CREDIT)).status_code == 402

    assert await account.balance() == (5, 0, 0, 0)


async def test_forty_at_once_at_two_processes_on_25_credits_admit_exactly_25(
    two_apis, database, model
):
    """And no free limit or pot counts: there is one free factoid a day, and no money for it."""
    async with two_apis[0].client(headers={"X-Forwarded-For": "192.0.2.77"}) as one:
        account = await become(one, database)
        await account.buy(25)
        cookie = {"Cookie": f"visitor={one.cookies['visitor']}"}

    async def ask(place: int) -> httpx.Response:
        async with two_apis[place % 2].client(
            headers=cookie | {"X-Forwarded-For": "192.0.2.77"}
        ) as client:
            return await client.post(GENERATE, json=ON_CREDIT)

    answers = await asyncio.gather(*(ask(place) for place in range(40)))

    admitted = [UUID(one.json()["id"]) for one in answers if one.status_code == 202]
    refused = [one.json()["code"] for one in answers if one.status_code != 202]
    assert (len(set(admitted)), refused) == (25, ["no_credits"] * 15)
    assert await account.balance() == (0, 25, 0, 0)
