"""Anonymous visitors: who has no cookie of ours is somebody new."""

import re
from http.cookies import SimpleCookie
from uuid import UUID, uuid4

import httpx
import pytest

from api.visitors import VisitorTokens
from settings import settings
from tests.conftest import api_client

TOKENS = VisitorTokens(settings.secret_key)


async def vote(client: httpx.AsyncClient, factoid_id: UUID, **options) -> httpx.Response:
    return await client.put(f"/api/factoids/{factoid_id}/vote", json={"value": 1}, **options)


async def test_the_first_changing_call_brings_a_cookie_scripts_cannot_read(api, make):
    factoid = await make.factoid()

    first = await vote(api, factoid.id)
    again = await vote(api, factoid.id)

    given = SimpleCookie(first.headers["set-cookie"])["visitor"]
    assert given["httponly"]
    assert given["samesite"] == "Lax"
    assert given["path"] == "/"
    assert not given["secure"]
    assert int(given["max-age"]) > 24 * 3_600
    assert TOKENS.read(given.value.encode())
    assert "set-cookie" not in again.headers
    assert again.json()["votes_up"] == 1


async def test_under_tls_the_cookie_is_bound_to_the_host(app, make):
    factoid = await make.factoid()
    transport = httpx.ASGITransport(app=app)  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=transport, base_url="https://factoids.test") as client:
        given = (await vote(client, factoid.id)).headers["set-cookie"]
        assert (await vote(client, factoid.id)).json()["votes_up"] == 1
    async with api_client(app) as client:
        proxied = await vote(client, factoid.id, headers={"X-Forwarded-Proto": "https"})

    for cookie in (given, proxied.headers["set-cookie"]):
        assert cookie.startswith("__Host-visitor=")
        assert "; Secure" in cookie
        assert "; Path=/;" in cookie
        assert "Domain" not in cookie


async def test_reads_of_strangers_bring_no_cookie_a_cache_could_keep(api, make):
    factoid = await make.factoid()
    for path in ("/api/factoids", f"/api/factoids/{factoid.id}", "/api/categories"):
        answer = await api.get(path)
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"].startswith("public")


async def test_an_identity_survives_a_restart(app, make, database):
    from api.app import create_app

    factoid = await make.factoid()
    async with api_client(app) as client:
        await vote(client, factoid.id)
        cookies = client.cookies
    restarted = create_app()
    async with restarted.lifespan(), api_client(restarted) as client:
        client.cookies = cookies
        seen = (await client.get(f"/api/factoids/{factoid.id}")).json()

    assert seen["my_vote"] == 1


def test_every_single_bit_flip_of_a_token_is_nobody():
    token = TOKENS.write(uuid4()).encode()

    for place in range(len(token)):
        for bit in range(8):
            forged = bytearray(token)
            forged[place] ^= 1 << bit
            assert TOKENS.read(bytes(forged)) is None, (place, bit)


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: b"", id="empty"),
        pytest.param(lambda token: token[:-1], id="cut short"),
        pytest.param(lambda token: token + b"=", id="padded"),
        pytest.param(lambda token: token + b"A", id="too long"),
        pytest.param(lambda token: token.upper(), id="in capitals"),
        pytest.param(lambda token: b" " + token, id="with a space before"),
        pytest.param(lambda token: token[:33], id="unsigned"),
        pytest.param(lambda token: token[:32] + b"." + b"A" * 43, id="signed by nobody"),
        pytest.param(lambda token: b"0" * 32 + token[32:], id="another's name"),
        pytest.param(
            lambda token: VisitorTokens("other").write(UUID(token[:32].decode())).encode(),
            id="another secret",
        ),
        pytest.param(lambda token: b"\xff" * 76, id="no text"),
        pytest.param(lambda token: b"{" + token[1:], id="another spelling of a UUID"),
    ],
)
def test_a_forged_token_is_nobody(forge):
    token = TOKENS.write(uuid4()).encode()
    assert TOKENS.read(token)
    assert TOKENS.read(forge(token)) is None


async def test_a_forged_cookie_gets_a_new_identity_and_never_anothers(app, make):
    factoid = await make.factoid()
    async with api_client(app) as victim:
        await vote(victim, factoid.id)
        token = victim.cookies["visitor"]
    seen: set[str] = set()
    for place in range(0, len(token), 5):
        forged = token[:place] + ("0" if token[place] != "0" else "1") + token[place + 1 :]
        async with api_client(app) as client:
            client.cookies.set("visitor", forged)
            mine = (await client.get(f"/api/factoids/{factoid.id}")).json()["my_vote"]
            answer = await vote(client, factoid.id)
        assert mine is None
        seen.add(re.findall(r"visitor=(\w{32})", answer.headers["set-cookie"])[0])

    assert token[:32] not in seen
    assert len(seen) == len(range(0, len(token), 5))


async def test_the_cookie_is_found_among_others(app, make):
    factoid = await make.factoid()
    async with api_client(app) as client:
        await vote(client, factoid.id)
        token = client.cookies["visitor"]
    for header in (
        f"a=b; visitor={token}; c=d",
        f"visitor={token};c",
        f'odd="x;y"; bad@name=1; visitor={token}',
    ):
        async with api_client(app) as client:
            seen = await client.get(f"/api/factoids/{factoid.id}", headers={"cookie": header})
        assert seen.json()["my_vote"] == 1, header


async def test_the_plain_cookie_does_not_count_under_tls(app, make):
    """A neighbour on the same site could have set it; the `__Host-` one they cannot."""
    factoid = await make.factoid()
    async with api_client(app) as client:
        await vote(client, factoid.id)
        seen = await client.get(
            f"/api/factoids/{factoid.id}", headers={"X-Forwarded-Proto": "https"}
        )

    assert seen.json()["my_vote"] is None
