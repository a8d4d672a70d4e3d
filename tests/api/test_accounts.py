"""API keys over HTTP: made, shown once, used, rotated, revoked."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from domain.accounts.keys import id_in
from tests.configuration import settings
from tests.fixtures.api import api_client


@pytest.fixture
async def stranger(app) -> AsyncGenerator[httpx.AsyncClient]:
    """Somebody else, without a cookie."""
    async with api_client(app, "198.51.100.1") as client:
        yield client


async def key_of(visitor: httpx.AsyncClient, **wish: Any) -> dict[str, Any]:
    answer = await visitor.post("/api/keys", json={"name": "my phone"} | wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def change(database, key_id: str, **values: Any) -> None:
    """As an hour, or the command line, would."""
    names = ", ".join(f"{name} = :{name}" for name in values)
    async with database.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE api_keys SET {names}, changed_at = now() WHERE id = :id"),
            values | {"id": key_id},
        )


async def test_a_key_is_shown_once_and_listed_ever_after(api):
    made = await key_of(api, scopes=["vote", "read"], expires_in_days=7)

    (listed,) = (await api.get("/api/keys")).json()["items"]

    assert str(id_in(made["token"])) == made["id"]
    assert made["token"].startswith("adf_")
    assert made["scopes"] == ["read", "vote"]
    life = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6) < life <= timedelta(days=7)
    assert listed["id"] == made["id"]
    assert made["token"].startswith(listed["prefix"])
    assert made["token"].endswith(listed["last4"])
    assert listed["usage"] == {
        "generations_today": 0,
        "spent_today_usd": "0",
        "budget_usd": str(settings.budget_key_usd),
    }
    assert listed["revoked_at"] is None
    assert made["token"] not in str(listed)


async def test_a_keys_holder_is_somebody_of_their_own(api, stranger, make):
    factoid = await make.factoid()
    await make.model()
    token = (await key_of(api))["token"]

    voted = await stranger.put(
        f"/api/factoids/{factoid.id}/vote", json={"value": 1}, headers=bearing(token)
    )
    seen = await stranger.get(f"/api/factoids/{factoid.id}", headers=bearing(token))
    mine = await api.get(f"/api/factoids/{factoid.id}")
    asked = await stranger.post("/api/factoids/generate", json={}, headers=bearing(token))
    theirs = await stranger.get("/api/factoids/generate", headers=bearing(token))
    own = await api.get("/api/factoids/generate")
    (listed,) = (await api.get("/api/keys")).json()["items"]

    assert (voted.status_code, seen.json()["my_vote"], mine.json()["my_vote"]) == (200, 1, None)
    assert "set-cookie" not in voted.headers
    assert seen.headers["cache-control"].startswith("private")
    assert [one["id"] for one in theirs.json()["items"]] == [asked.json()["id"]]
    assert own.json()["items"] == []
    assert listed["usage"]["generations_today"] == 1


async def test_a_cookie_beside_a_key_is_neither_read_nor_set(api, make):
    factoid = await make.factoid()
    await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": -1})
    token = (await key_of(api))["token"]

    seen = await api.get(f"/api/factoids/{factoid.id}", headers=bearing(token))

    assert seen.json()["my_vote"] is None
    assert "set-cookie" not in seen.headers


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda token: "", id="nothing"),
        pytest.param(lambda token: "adf_", id="the prefix"),
        pytest.param(lambda token: token[:-1], id="cut short"),
        pytest.param(lambda token: token + "0", id="too long"),
        pytest.param(lambda token: token[4:], id="without its prefix"),
        pytest.param(lambda token: token.swapcase(), id="other letters"),
        pytest.param(lambda token: token[:40] + "é" + token[41:], id="a strange letter"),
        pytest.param(lambda token: "x" * 8_192, id="8 KB"),
    ],
)
async def test_what_is_no_key_opens_nothing_not_even_reading(api, stranger, spoil):
    token = (await key_of(api))["token"]

    refused = await stranger.get(
        "/api/factoids", headers={"Authorization": f"Bearer {spoil(token)}".encode()}
    )

    assert refused.status_code == 401
    assert refused.json()["code"] == "key_unknown"
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert refused.headers["content-type"] == "application/problem+json"


async def test_a_key_with_a_true_id_and_another_secret_is_unknown(api, stranger, app):
    """Also with a checksum that is right, as whoever guesses would write it."""
    from uuid import UUID

    made = await key_of(api)
    forged = app.state.services.accounts._tokens.make(UUID(made["id"]))
    nobodys = app.state.services.accounts._tokens.make(uuid4())

    for token in (forged, nobodys):
        refused = await stranger.get("/api/factoids", headers=bearing(token))
        assert (refused.status_code, refused.json()["code"]) == (401, "key_unknown")
    assert (await stranger.get("/api/factoids", headers=bearing(made["token"]))).is_success


@pytest.mark.parametrize("scheme", ["Basic dXNlcjpwYXNz", "adf_x", "Token adf_x", "Bearer"])
async def test_another_scheme_is_no_way_in(api, scheme):
    refused = await api.get("/api/factoids", headers={"Authorization": scheme})

    assert refused.status_code == 401


async def test_a_key_does_only_what_it_is_for(api, stranger, make):
    factoid = await make.factoid()
    token = (await key_of(api, scopes=["vote"]))["token"]

    voted = await stranger.put(
        f"/api/factoids/{factoid.id}/vote", json={"value": 1}, headers=bearing(token)
    )
    asked = await stranger.post("/api/factoids/generate", json={}, headers=bearing(token))
    read = await stranger.get("/api/factoids", headers=bearing(token))

    assert voted.status_code == 200
    assert (asked.status_code, asked.json()["code"]) == (403, "missing_scope")
    assert "generate" in asked.json()["detail"]
    assert (read.status_code, "read" in read.json()["detail"]) == (403, True)


async def test_nobody_gives_themselves_the_owners_scope(api):
    for scopes in (["admin"], ["read", "admin"], [], ["everything"]):
        refused = await api.post("/api/keys", json={"name": "x", "scopes": scopes})
        assert refused.status_code == 422, scopes


async def test_a_key_makes_no_keys_and_sees_none(api, stranger):
    made = await key_of(api)
    ours = bearing(made["token"])

    answers = [
        await stranger.post("/api/keys", json={"name": "x"}, headers=ours),
        await stranger.get("/api/keys", headers=ours),
        await stranger.post(f"/api/keys/{made['id']}/rotate", headers=ours),
        await stranger.delete(f"/api/keys/{made['id']}", headers=ours),
        await stranger.delete("/api/session", headers=ours),
    ]

    assert {(one.status_code, one.json()["code"]) for one in answers} == {(403, "visitors_only")}
    assert (await stranger.get("/api/factoids", headers=ours)).is_success


async def test_a_rotated_key_has_two_secrets_for_a_day(api, stranger, database):
    old = await key_of(api)
    new = (await api.post(f"/api/keys/{old['id']}/rotate")).json()

    async def works(made: dict[str, Any]) -> bool:
        return (await stranger.get("/api/factoids", headers=bearing(made["token"]))).is_success

    assert new["id"] == old["id"]
    assert new["token"] != old["token"]
    assert (await works(old), await works(new)) == (True, True)
    yesterday = datetime.now(UTC) - timedelta(seconds=1)
    await change(database, old["id"], previous_key_expires_at=yesterday)
    api_state_of(stranger).services.credentials.forget_key(id_in(old["token"]))
    assert (await works(old), await works(new)) == (False, True)


def api_state_of(client: httpx.AsyncClient) -> Any:
    return client._transport.app.state  # pyright: ignore[reportAttributeAccessIssue]


async def test_an_expired_key_says_so(api, stranger, database):
    made = await key_of(api)
    await change(database, made["id"], expires_at=datetime.now(UTC) - timedelta(seconds=1))

    refused = await stranger.get("/api/factoids", headers=bearing(made["token"]))

    assert (refused.status_code, refused.json()["code"]) == (401, "key_expired")


async def test_a_revoked_key_is_dead_for_good(api, stranger):
    made = await key_of(api)
    assert (await stranger.get("/api/factoids", headers=bearing(made["token"]))).is_success

    revoked = await api.delete(f"/api/keys/{made['id']}")
    again = await api.delete(f"/api/keys/{made['id']}")
    rotated = await api.post(f"/api/keys/{made['id']}/rotate")
    refused = await stranger.get("/api/factoids", headers=bearing(made["token"]))

    assert (revoked.status_code, again.status_code) == (204, 204)
    assert (rotated.status_code, rotated.json()["code"]) == (409, "key_is_revoked")
    assert (refused.status_code, refused.json()["code"]) == (401, "key_revoked")
    assert (await api.get("/api/keys")).json()["items"][0]["revoked_at"]


async def test_a_visitor_has_five_living_keys_at_most(api):
    made = [await key_of(api) for _ in range(5)]

    refused = await api.post("/api/keys", json={"name": "one more"})
    await api.delete(f"/api/keys/{made[0]['id']}")

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_keys")
    assert (await key_of(api))["id"]


async def test_a_network_makes_only_so_many_keys_a_day_however_many_visitors(app, database):
    answers: list[httpx.Response] = []
    for place in range(21):
        async with api_client(app, f"203.0.113.{place}") as visitor:
            answers.append(await visitor.post("/api/keys", json={"name": "x"}))

    *made, refused = answers
    assert {one.status_code for one in made} == {201}
    assert (refused.status_code, refused.json()["code"]) == (429, "key_limit")
    assert 0 < int(refused.headers["retry-after"]) <= 24 * 3_600


async def test_a_name_of_nothing_to_see_is_refused(api):
    refused = await api.post("/api/keys", json={"name": "\u200b \u202e"})

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/name")


async def test_the_database_holds_nothing_to_make_a_key_from(api, stranger, database):
    made = await key_of(api)
    name = {"Idempotency-Key": uuid4().hex}
    again = [await api.post("/api/keys", json={"name": "y"}, headers=name) for _ in range(2)]
    rotated = (await api.post(f"/api/keys/{made['id']}/rotate")).json()
    await stranger.get("/api/factoids", headers=bearing(rotated["token"]))

    dump = ""
    async with database.engine.connect() as connection:
        tables = await connection.execute(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        for (table,) in tables.all():
            rows = await connection.execute(text(f'SELECT t::text FROM "{table}" t'))
            dump += "\n".join(row[0] for row in rows)

    assert again[0].content == again[1].content
    assert made["id"] in dump
    for token in (made["token"], rotated["token"], again[0].json()["token"]):
        # Its id is no secret; nothing of what follows it is there, spelt or as bytes in hex.
        secret = token[26:]
        assert not any(secret[at : at + 8] in dump for at in range(len(secret) - 8))
        assert token[26:34].encode().hex() not in dump
