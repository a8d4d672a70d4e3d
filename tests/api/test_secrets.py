"""The server's secret is changed with overlap: nobody notices, and then the old one is dead."""

from http.cookies import SimpleCookie
from typing import Any

import httpx

from tests.processes import RunningAPI, running_api

OLD, NEW = "o" * 32, "n" * 32


def visitor(api: RunningAPI, cookie: str) -> httpx.AsyncClient:
    return api.client(headers={"Cookie": f"visitor={cookie}"})


def given(answer: httpx.Response) -> str:
    return SimpleCookie(answer.headers["set-cookie"])["visitor"].value


async def test_cookies_and_keys_live_through_a_change_of_the_secret(database, make):
    factoid = await make.factoid()
    vote = f"/api/factoids/{factoid.id}/vote"

    async def seen_by(client: httpx.AsyncClient) -> int | None:
        return (await client.get(f"/api/factoids/{factoid.id}")).json()["my_vote"]

    async def reads(api: RunningAPI, token: str) -> int:
        async with api.client(headers={"Authorization": f"Bearer {token}"}) as client:
            return (await client.get("/api/factoids")).status_code

    async with running_api(SECRET_KEY=OLD) as api, api.client() as client:
        old = given(await client.put(vote, json={"value": 1}))
        made: dict[str, Any] = (await client.post("/api/keys", json={"name": "x"})).json()
        unused: dict[str, Any] = (await client.post("/api/keys", json={"name": "y"})).json()

    async with running_api(SECRET_KEY=NEW, SECRET_KEY_PREVIOUS=OLD) as api:
        async with visitor(api, old) as client:
            assert await seen_by(client) == 1
            new = given(await client.put(vote, json={"value": -1}))
        assert await reads(api, made["token"]) == 200
        # It is written down when the process ends, or within a minute.
        api.terminate()
        await api.process.wait()

    async with running_api(SECRET_KEY=NEW) as api:
        async with visitor(api, old) as client, visitor(api, new) as renewed:
            assert await seen_by(client) is None
            assert await seen_by(renewed) == -1
            keys = (await renewed.get("/api/keys")).json()["items"]
        assert await reads(api, made["token"]) == 200
        assert await reads(api, unused["token"]) == 401
    used = {one["id"]: one["last_used_at"] for one in keys}
    assert used[made["id"]]
    assert used[unused["id"]] is None


async def test_an_old_secret_out_of_force_opens_nothing(database, make):
    factoid = await make.factoid()
    async with running_api(SECRET_KEY=OLD) as api, api.client() as client:
        old = given(await client.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1}))
        token = (await client.post("/api/keys", json={"name": "x"})).json()["token"]

    async with running_api(SECRET_KEY=NEW) as api, visitor(api, old) as client:
        seen = (await client.get(f"/api/factoids/{factoid.id}")).json()["my_vote"]
        refused = await client.get("/api/factoids", headers={"Authorization": f"Bearer {token}"})

    assert (seen, refused.status_code) == (None, 401)
