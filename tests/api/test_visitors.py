"""Anonymous visitors: who has no cookie of ours is somebody new."""

import hmac
import re
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from http.cookies import SimpleCookie
from uuid import UUID, uuid4

import httpx
import pytest

from api.visitor_cookie import COOKIE_S, RENEWED_AFTER_S, VisitorTokens
from tests.configuration import settings
from tests.fixtures.api import api_client

TOKENS = VisitorTokens(settings.secret_key)


def now() -> int:
    """Read when a test runs, which may be long after its module was imported."""
    return int(time.time())


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


KEY, ISSUED, NAME, SEAL = slice(0, 8), slice(9, 17), slice(18, 50), slice(51, None)


def signed_with(key: bytes, said: bytes) -> bytes:
    seal = hmac.digest(key, said, "sha256")
    return said + b"." + urlsafe_b64encode(seal).rstrip(b"=")


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda token: b"", id="empty"),
        pytest.param(lambda token: token[:-1], id="cut short"),
        pytest.param(lambda token: token + b"=", id="padded"),
        pytest.param(lambda token: token + b"A", id="too long"),
        pytest.param(lambda token: token * 80, id="8 KB"),
        pytest.param(lambda token: token[KEY] + b"." + b"a" * 8_192, id="8 KB of nothing"),
        pytest.param(lambda token: token.upper(), id="in capitals"),
        pytest.param(lambda token: b" " + token, id="with a space before"),
        pytest.param(lambda token: token[:50], id="unsigned"),
        pytest.param(lambda token: token[:51], id="with an empty seal"),
        pytest.param(lambda token: token[:51] + b"A" * 43, id="signed by nobody"),
        pytest.param(lambda token: token[:18] + b"0" * 32 + token[50:], id="another's name"),
        pytest.param(lambda token: token[:9] + b"%08x" % 0 + token[17:], id="another age"),
        pytest.param(lambda token: b"00000000" + token[8:], id="another key's name"),
        pytest.param(
            lambda token: VisitorTokens("other").write(UUID(token[NAME].decode())).encode(),
            id="another secret",
        ),
        pytest.param(lambda token: signed_with(b"", token[:50]), id="the empty key"),
        pytest.param(
            lambda token: signed_with(settings.secret_key.encode(), token[:50]),
            id="our secret for another purpose",
        ),
        pytest.param(
            lambda token: signed_with(
                sha256(b"cursor\0" + settings.secret_key.encode()).digest(), token[:50]
            ),
            id="a cursor's key",
        ),
        pytest.param(
            lambda token: TOKENS.write(UUID(token[NAME].decode()), now() - COOKIE_S - 1).encode(),
            id="expired",
        ),
        pytest.param(
            lambda token: TOKENS.write(UUID(token[NAME].decode()), now() + 600).encode(),
            id="from the future",
        ),
        pytest.param(
            lambda token: b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJ" + token[NAME] + b"In0.",
            id="a JWT of no algorithm",
        ),
        pytest.param(lambda token: b"\xff" * 94, id="no text"),
        pytest.param(lambda token: b"{" + token[1:], id="another sign"),
    ],
)
def test_a_forged_token_is_nobody(forge):
    token = TOKENS.write(uuid4()).encode()
    assert TOKENS.read(token)
    assert TOKENS.read(forge(token)) is None


async def test_the_whole_seal_is_compared(app):
    """However much of it is right, what is wrong is refused; and each position counts."""
    token = TOKENS.write(uuid4()).encode()
    for right in range(43):
        wrong = bytes([token[51 + right] ^ 1])
        assert TOKENS.read(token[: 51 + right] + wrong + token[52 + right :]) is None
        assert TOKENS.read(token[: 51 + right]) is None


def test_a_token_is_renewed_when_it_ages_or_its_key_is_on_its_way_out():
    who = uuid4()
    rotated = VisitorTokens("new", settings.secret_key)

    assert TOKENS.read(TOKENS.write(who).encode()) == (who, False)
    assert TOKENS.read(TOKENS.write(who, now() - RENEWED_AFTER_S - 1).encode()) == (who, True)
    assert rotated.read(TOKENS.write(who).encode()) == (who, True)
    assert rotated.read(rotated.write(who).encode()) == (who, False)
    # Out of force, it is nobody's.
    assert VisitorTokens("new").read(TOKENS.write(who).encode()) is None


async def test_an_old_cookie_is_renewed_at_the_next_change_and_not_by_a_read(app, make):
    factoid = await make.factoid()
    who = uuid4()
    old = TOKENS.write(who, now() - RENEWED_AFTER_S - 60)
    aged = {"Cookie": f"visitor={old}"}
    async with api_client(app) as client:
        read = await client.get("/api/factoids", headers=aged)
        voted = await vote(client, factoid.id, headers=aged)
        renewed = SimpleCookie(voted.headers["set-cookie"])["visitor"].value
        again = await vote(client, factoid.id, headers={"Cookie": f"visitor={renewed}"})

    assert "set-cookie" not in read.headers
    assert renewed != old
    assert TOKENS.read(renewed.encode()) == (who, False)
    assert "set-cookie" not in again.headers


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
        seen.add(re.findall(r"visitor=\w{8}\.\w{8}\.(\w{32})", answer.headers["set-cookie"])[0])

    assert token[NAME] not in seen
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
