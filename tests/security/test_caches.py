"""Nobody makes a cache keep for all what was meant for one, or what they put in themselves."""

import re
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Site
from tests.factories import Factories
from tests.security.test_foreign_ids import Route, routes_of

EVIL = "evil.example"
CHANCE = ("/random", "/vault")
"""These answer something else each time."""
UNKEYED = {
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Server": EVIL,
    "X-Forwarded-Proto": "evil",
    "X-Forwarded-Scheme": "evil",
    "X-Forwarded-Port": "666",
    "X-Forwarded-Prefix": "/evil.example",
    "X-Original-URL": "/evil.example",
    "X-Rewrite-URL": "/evil.example",
    "X-HTTP-Method-Override": "DELETE",
    "X-Host": EVIL,
    "Forwarded": f"host={EVIL};proto=evil",
    "Referer": f"https://{EVIL}/",
    "Accept-Language": EVIL,
}
SUFFIXES = [
    *("/x.css", "/.css", ".css", ";x.css", ";/x.js", "%2fx.css", "%3bx.css", "%00.css"),
    *("%0ax.css", "%23x.css", "%3fx.css", "/..%2fx.css", "//x.png", "\\x.css", "/x.ico"),
]
OWN = [
    *("/api/keys", "/api/factoids/limits", "/api/factoids/generate", "/api/factoids/vault"),
    *("/api/factoids/quote", "/api/session", "/api/factoids"),
]


@pytest.fixture
async def routes(api: httpx.AsyncClient) -> list[Route]:
    return routes_of((await api.get("/openapi.json")).json())


def filled(path: str, ids: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: ids.get(name[1], ids["factoid_id"]), path)


def endless(route: Route) -> bool:
    return route.path.endswith(("/live", "/stream"))


def lasting(answer: httpx.Response) -> Any:
    """What a cache would keep of it, without what is new each time."""
    said = re.sub(r'"(request_id|resets_at)":"[^"]*"|"(reset_s|remaining)":\d+', "", answer.text)
    kept = {name: answer.headers.get(name) for name in ("link", "location", "etag", "vary")}
    return answer.status_code, said, kept


async def test_no_header_that_is_no_key_changes_an_answer(
    site: Site, make: Factories, routes: list[Route]
):
    await make.model()
    factoid_id = (await make.factoids(30))[0]
    kept = [one.path for one in routes if one.method == "GET" and not endless(one)]
    ids = {"factoid_id": str(factoid_id)}
    paths = [filled(path, ids) for path in kept if not path.endswith(CHANCE)]
    paths += ["/", "/keys", f"/f/{factoid_id}", "/f/x", "/nowhere", "/docs", "/robots.txt"]
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        for path in paths:
            client.cookies.clear()
            usual = await client.get(path)
            for headers in ({"Host": EVIL}, UNKEYED, {"Host": f"127.0.0.1@{EVIL}"}):
                client.cookies.clear()
                answer = await client.get(path, headers=headers)
                assert EVIL not in answer.text + str(answer.headers), (path, headers)
                if answer.status_code != 400:
                    assert lasting(answer) == lasting(usual), (path, headers)
        asked = await client.post("/api/factoids/generate", json={}, headers=UNKEYED)
        assert asked.status_code == 202
        assert EVIL not in asked.text + str(asked.headers)


@pytest.mark.parametrize("who", ["visitor", "key"])
async def test_what_is_somebodys_is_kept_by_no_cache(
    api: httpx.AsyncClient, make: Factories, routes: list[Route], who: str
):
    await make.model()
    factoid = await make.factoid()
    asked = await api.post("/api/factoids/generate", json={"topic": "owls"})
    made = await api.post("/api/keys", json={"name": "x"})
    ids = {"factoid_id": str(factoid.id), "request_id": asked.json()["id"]}
    ids["key_id"] = made.json()["id"]
    headers: dict[str, str] = {}
    if who == "key":
        headers = {"Authorization": f"Bearer {made.json()['token']}"}
        api.cookies.clear()
    for route in routes:
        if endless(route) or route.path == "/api/session":
            continue
        body = {} if route.body is None else {"json": route.body}
        answer = await api.request(route.method, filled(route.path, ids), headers=headers, **body)
        check_private(answer)


async def test_an_answer_that_brings_a_cookie_is_kept_by_no_cache(site: Site, make: Factories):
    factoid = await make.factoid()
    await make.model()
    paths = ["/", "/keys", f"/f/{factoid.id}", "/nowhere", "/robots.txt", "/api/keys", "/ping"]
    for path in [*paths, "/api/factoids", "/api/factoids/limits", "/docs", "/card.png"]:
        async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
            answer = await client.get(path)
            page = re.search(r"/assets/[\w./-]+\.js", answer.text)
            for one in (answer, await client.get(page[0]) if page else answer):
                if "set-cookie" in one.headers:
                    check_private(one)


def check_private(answer: httpx.Response) -> None:
    said = answer.headers.get("cache-control", "")
    assert "public" not in said, (answer.url, said)
    # Answers to anything but reads are kept by no cache that is not told to.
    if answer.request.method != "GET" or answer.url.path.startswith("/health/"):
        return
    assert "private" in said or "no-store" in said, (answer.url, said, answer.status_code)


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_no_address_of_ours_passes_for_a_file(
    api: httpx.AsyncClient, site: Site, make: Factories, suffix: str
):
    await make.model()
    factoid = await make.factoid()
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        await client.post("/api/factoids/generate", json={})
        for path in [*OWN, f"/api/factoids/{factoid.id}"]:
            for one in (client, api):
                answer = await one.get(path + suffix)
                assert answer.status_code in {404, 405}, (path, suffix, answer.text)
                assert "public" not in answer.headers["cache-control"]
