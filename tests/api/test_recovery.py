"""A visitor on another device: with the link they are themselves, and lose nothing on the way."""

import time
from datetime import datetime
from uuid import UUID, uuid4

import httpx
import pytest

from api.mappers.recovery import LIFE_S
from api.visitor_cookie import VisitorTokens
from settings import Settings
from tests.api.test_credits import become
from tests.configuration import settings
from tests.credit_account import Account, differing
from tests.fixtures.api import api_client
from tests.processes import run_command, running_api

MAKE, USE = "/api/session/recovery", "/api/session/recover"
WAY = f"{settings.site_url}/recover#"


def tokens() -> VisitorTokens:
    return VisitorTokens(*settings.server_secrets, purpose=b"recovery", life_s=LIFE_S)


def identity_of(client: httpx.AsyncClient) -> UUID:
    known = VisitorTokens(settings.secret_key).read(client.cookies["visitor"].encode())
    assert known
    return known[0]


async def link_of(client: httpx.AsyncClient) -> str:
    made = await client.post(MAKE)
    assert made.status_code == 201, made.text
    return made.json()["link"]


def token_in(link: str) -> str:
    assert link.startswith(WAY)
    return link.removeprefix(WAY)


async def test_a_link_makes_another_browser_the_same_visitor(api, app, database):
    account = await become(api, database)
    await account.buy(25)
    link = await link_of(api)

    async with api_client(app, "198.51.100.3") as phone:
        answer = await phone.post(USE, json={"token": token_in(link)})
        credits = (await phone.get("/api/payments/credits")).json()["balances"]
        keys = (await phone.get("/api/keys")).json()["items"]
        found = identity_of(phone)

    assert (answer.status_code, answer.json()) == (200, {"way_back": None})
    assert found == account.owner
    assert (credits[0]["left"], len(keys)) == (25, 1)


async def test_a_link_works_for_thirty_days_and_is_told_so(api):
    before_s = int(time.time())
    made = (await api.post(MAKE)).json()
    identity, now_s = identity_of(api), int(time.time())

    assert before_s <= datetime.fromisoformat(made["expires_at"]).timestamp() - LIFE_S <= now_s
    for age_s, status in ((LIFE_S - 60, 200), (LIFE_S + 60, 401)):
        token = tokens().write(identity, now_s - age_s)
        assert (await api.post(USE, json={"token": token})).status_code == status


async def test_links_that_lead_nowhere_are_refused_alike(api, app):
    link = token_in(await link_of(api))
    flipped = link[:20] + ("0" if link[20] != "0" else "1") + link[21:]
    signed_out = token_in(await link_of(api))
    cookie = api.cookies["visitor"]
    await api.delete("/api/session")
    wrong = {
        "cut": link[:-1],
        "altered": flipped,
        "words": "let-me-in",
        "a cookie": cookie,
        "of another site": VisitorTokens("x" * 32, purpose=b"recovery").write(uuid4()),
        "signed out": signed_out,
    }

    async with api_client(app, "198.51.100.4") as client:
        answers = [await client.post(USE, json={"token": one}) for one in wrong.values()]

    told = [{**one.json(), "request_id": ""} for one in answers]
    assert {one.status_code for one in answers} == {401}
    assert {one["code"] for one in told} == {"recovery_refused"}
    assert all(one == told[0] for one in told)


async def test_a_link_is_no_cookie(api, app):
    token = token_in(await link_of(api))

    async with api_client(app) as other:
        await other.post("/api/keys", json={"name": "x"}, headers={"Cookie": f"visitor={token}"})
        assert identity_of(other) != identity_of(api)


async def test_whoever_has_credits_or_keys_here_is_asked_first_and_gets_a_way_back(
    api, app, database
):
    link = token_in(await link_of(api))
    async with api_client(app, "198.51.100.5") as browser:
        was = await become(browser, database)
        await was.buy(3)
        refused = await browser.post(USE, json={"token": link})
        still = identity_of(browser)
        went = await browser.post(USE, json={"token": link, "replace": True})
        now = identity_of(browser)
        back = await browser.post(
            USE, json={"token": token_in(went.json()["way_back"]["link"]), "replace": True}
        )
        returned = identity_of(browser)

    assert (refused.status_code, refused.json()["code"]) == (409, "would_leave_behind")
    assert (still, now, returned) == (was.owner, identity_of(api), was.owner)
    assert (back.status_code, back.json()) == (200, {"way_back": None})
    assert await was.balance() == (3, 0, 0, 0)


@pytest.mark.parametrize("what", ["a key", "a credit"])
async def test_either_is_reason_enough_to_ask(api, app, database, what):
    link = token_in(await link_of(api))
    async with api_client(app, "198.51.100.6") as browser:
        account = await become(browser, database)
        if what == "a credit":
            (key,) = (await browser.get("/api/keys")).json()["items"]
            await browser.delete(f"/api/keys/{key['id']}")
            await account.buy(1)

        assert (await browser.post(USE, json={"token": link})).status_code == 409


async def test_a_link_used_where_it_was_made_changes_nothing(api, database):
    account = await become(api, database)
    answer = await api.post(USE, json={"token": token_in(await link_of(api))})

    assert (answer.status_code, identity_of(api)) == (200, account.owner)


async def test_an_api_key_neither_makes_nor_uses_links(api):
    made = (await api.post("/api/keys", json={"name": "x"})).json()
    headers = {"Authorization": f"Bearer {made['token']}"}

    for answer in (
        await api.post(MAKE, headers=headers),
        await api.post(USE, headers=headers, json={"token": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "visitors_only")


async def test_trying_links_is_limited_also_from_fresh_browsers(app, database):
    limit = 10
    assert Settings().recover_limits == f"{limit}/3600"
    answers: list[httpx.Response] = []
    for _ in range(limit + 1):
        async with api_client(app, "198.51.100.8") as client:
            answers.append(await client.post(USE, json={"token": "x"}))

    assert [one.status_code for one in answers] == [401] * limit + [429]
    assert answers[-1].json()["code"] == "recovery_limit"
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_a_link_signed_with_the_secret_before_still_works(api, database):
    token = token_in(await link_of(api))
    rotated = {"SECRET_KEY": "y" * 40, "SECRET_KEY_PREVIOUS": settings.secret_key}

    async with running_api(**rotated) as later, later.client() as client:
        assert (await client.post(USE, json={"token": token})).status_code == 200


async def test_signing_out_takes_the_credits_along_and_ends_every_link(api, app, database):
    was = await become(api, database)
    checkout_id = await was.buy(25)
    under_way = await was.hold()
    link = token_in(await link_of(api))

    refused = await api.delete("/api/session")
    still = identity_of(api)
    out = await api.delete("/api/session", params={"keep_credits": True})
    now = Account(database, identity_of(api))
    credits = (await api.get("/api/payments/credits")).json()
    await was.give_back(under_way)
    await was.buy(25, checkout_id)

    assert (refused.status_code, refused.json()["code"]) == (409, "credits_left")
    assert (still, out.status_code) == (was.owner, 204)
    assert now.owner != was.owner
    assert (credits["balances"][0]["left"], len(credits["history"])) == (24, 2)
    assert await now.balance() == (25, 0, 0, 0)
    assert await was.hold() is None
    assert await differing(database) == []
    async with api_client(app, "198.51.100.9") as thief:
        assert (await thief.post(USE, json={"token": link})).status_code == 401


async def test_staff_signs_out_who_has_credits_too(api, database):
    account = await become(api, database)
    await account.buy(1)

    done = await run_command("sign_out", str(account.owner))

    assert done.returncode == 0
    assert await account.balance() == (1, 0, 0, 0)
