"""Signing out: who was somebody is nobody with the old cookie, and somebody new."""

import asyncio
from uuid import uuid4

from tests.api.test_accounts import bearing, key_of
from tests.api.test_credits import become
from tests.fixtures.api import api_client


async def test_signing_out_leaves_nobody_with_the_old_cookie(api, app, make):
    factoid = await make.factoid()
    await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
    made = await key_of(api)
    old = api.cookies["visitor"]

    out = await api.delete("/api/session")
    new = api.cookies["visitor"]
    async with api_client(app) as other_device:
        seen = await other_device.get(
            f"/api/factoids/{factoid.id}", headers={"Cookie": f"visitor={old}"}
        )
        voted = await other_device.put(
            f"/api/factoids/{factoid.id}/vote",
            json={"value": 1},
            headers={"Cookie": f"visitor={old}"},
        )
        key = await other_device.get("/api/factoids", headers=bearing(made["token"]))

    assert out.status_code == 204
    assert old.split(".")[2] != new.split(".")[2]
    assert seen.json()["my_vote"] is None
    # Somebody new, who votes besides.
    assert voted.json()["votes_up"] == 2
    assert old.split(".")[2] not in voted.headers["set-cookie"]
    assert (key.status_code, key.json()["code"]) == (401, "key_revoked")
    assert (await api.get(f"/api/factoids/{factoid.id}")).json()["my_vote"] is None
    assert (await api.get("/api/keys")).json()["items"] == []


async def test_a_stranger_signs_out_of_nothing(api, database):
    out = await api.delete("/api/session")

    assert out.status_code == 204
    assert "visitor=" in out.headers["set-cookie"]


async def test_a_planted_cookie_is_never_claimed(app, database):
    """Somebody's own cookie, put into another's browser, leads them to nothing of that other."""
    async with api_client(app) as planter:
        await planter.post("/api/keys", json={"name": "planted"})
        planted = planter.cookies["visitor"]
        invented = f"{planted[:18]}{uuid4().hex}{planted[50:]}"
        for cookie in (planted, invented):
            async with api_client(app) as victim:
                await victim.delete("/api/session", headers={"Cookie": f"visitor={cookie}"})
                assert cookie.split(".")[2] not in victim.cookies["visitor"]
                await victim.post("/api/keys", json={"name": "mine"})
                (mine,) = (await victim.get("/api/keys")).json()["items"]
                assert mine["name"] == "mine"

        assert (await planter.get("/api/keys")).json()["items"] == []


async def test_pressed_several_times_the_credits_have_one_successor(api, app, database):
    """Else the cookie of whichever answer came last was an empty one, and the credits nobody's."""
    account = await become(api, database)
    await account.buy(25)
    old = {"Cookie": f"visitor={api.cookies['visitor']}"}

    async def sign_out() -> tuple[int, str | None]:
        async with api_client(app) as tab:
            out = await tab.delete("/api/session", params={"keep_credits": True}, headers=old)
            return out.status_code, out.headers.get("set-cookie")

    answers = [*await asyncio.gather(*(sign_out() for _ in range(4))), await sign_out()]

    cookies = [cookie for _, cookie in answers if cookie]
    assert sorted(code for code, _ in answers) == [204, 401, 401, 401, 401]
    assert len(cookies) == 1
    async with api_client(app) as browser:
        named = cookies[0].partition(";")[0]
        seen = await browser.get("/api/payments/credits", headers={"Cookie": named})
    assert seen.json()["balances"][0]["left"] == 25
