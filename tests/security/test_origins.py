"""Nothing is changed, and no socket opened, by a page on somebody else's site."""

import base64
import os

import httpx
import pytest
from litestar import Litestar

from api.middleware.stack import WEBHOOK
from tests.api.test_problems import check_problem
from tests.e2e.stack import Site
from tests.factories import Factories

HERE = "http://factoids.test"
ELSEWHERE = [
    "https://evil.example",
    "http://factoids.test.evil.example",
    "http://evil-factoids.test",
    "http://www.factoids.test",
    "http://factoids.test:8080",
    "http://factoids.test@evil.example",
    "http://factoids.tes",
    "http://factoids.test/",
    "factoids.test",
    "file://",
    "null",
    "",
]
FORMS = {
    "application/json": b'{"value": 1}',
    "text/plain": b'{"value": 1}',
    "application/x-www-form-urlencoded": b"value=1",
    "multipart/form-data; boundary=x": b"--x\r\ncontent-disposition: form-data; name=v\r\n\r\n1",
}


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_form_or_script_elsewhere_cannot_vote(api, make: Factories, kind: str, origin: str):
    factoid = await make.factoid()
    vote = f"/api/factoids/{factoid.id}/vote"
    headers = {"content-type": kind, "origin": origin}

    for method in ("PUT", "POST"):
        answer = await api.request(method, vote, content=FORMS[kind], headers=headers)
        assert check_problem(answer, 403)["code"] == "cross_site"
        assert "set-cookie" not in answer.headers
    assert (await api.get(f"/api/factoids/{factoid.id}")).json()["votes_up"] == 0


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense", ""])
async def test_what_a_browser_calls_from_elsewhere_is_refused(api, make: Factories, site: str):
    factoid = await make.factoid()

    for extra in ({}, {"origin": HERE}):
        answer = await api.put(
            f"/api/factoids/{factoid.id}/vote",
            json={"value": 1},
            headers={"sec-fetch-site": site, **extra},
        )
        assert check_problem(answer, 403)["code"] == "cross_site"


async def test_every_call_that_changes_something_is_guarded(api, app: Litestar):
    guarded = 0
    # What Stripe says proves itself by its signature: `test_webhook.py`.
    for route in (one for one in app.routes if one.path != WEBHOOK):
        path = route.path.replace("{factoid_id:uuid}", "x").replace("{request_id:uuid}", "x")
        for method in {"POST", "PUT", "PATCH", "DELETE"} & set(getattr(route, "methods", ())):
            answer = await api.request(method, path, headers={"origin": "https://evil.example"})
            assert check_problem(answer, 403)["code"] == "cross_site", (method, path)
            guarded += 1
    assert guarded >= 5


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="a script"),
        pytest.param({"origin": HERE}, id="an older browser"),
        pytest.param({"origin": HERE, "sec-fetch-site": "same-origin"}, id="our page"),
    ],
)
async def test_our_pages_and_scripts_may_vote(api, make: Factories, headers: dict[str, str]):
    factoid = await make.factoid()

    answer = await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1}, headers=headers)

    assert answer.json()["votes_up"] == 1


@pytest.mark.parametrize("origin", ["https://evil.example", "null", HERE, "http://localhost"])
async def test_no_other_origin_may_read_an_answer(site: Site, make: Factories, origin: str):
    factoid = await make.factoid()
    asked = {
        "origin": origin,
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization,content-type",
    }
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        for method in ("GET", "OPTIONS", "PUT"):
            for path in (
                "/",
                "/ping",
                "/api/factoids",
                f"/api/factoids/{factoid.id}/vote",
                "/docs",
            ):
                answer = await client.request(method, path, headers=asked)
                allowed = [name for name in answer.headers if name.startswith("access-control")]
                assert not {"access-control-allow-origin"} & set(allowed), (method, path)


async def test_a_read_changes_nothing(api, make: Factories, app: Litestar):
    factoid = await make.factoid()
    for path in (
        f"/api/factoids/{factoid.id}/vote?value=1",
        "/api/factoids/feedback?comment=x",
        "/api/factoids/generate?topic=x",
    ):
        await api.get(path, headers={"x-http-method-override": "POST"})

    assert (await api.get(f"/api/factoids/{factoid.id}")).json()["votes_up"] == 0
    assert (await api.get("/api/factoids/generate")).json()["items"] == []


TAB = "&token=8e03978e-40d5-43dd-bc93-6894a57f9324"


async def knock(site: Site, headers: list[tuple[str, str]], tab: str = TAB) -> int:
    """The answer to somebody who asks for the pages' websocket."""
    asked = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        *headers,
    ]
    async with (
        httpx.AsyncClient(trust_env=False) as client,
        client.stream(
            "GET", f"{site.origin}/_event/?EIO=4&transport=websocket{tab}", headers=asked
        ) as answer,
    ):
        return answer.status_code


async def test_a_socket_is_opened_for_our_own_pages_alone(site: Site):
    host = site.origin.removeprefix("http://")
    elsewhere = [
        *ELSEWHERE,
        f"http://www.{host}",
        f"http://{host}.evil.example",
        f"ws://{host}",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
    ]

    assert await knock(site, [("Origin", site.origin)]) == 101
    assert await knock(site, []) == 403
    assert [await knock(site, [("Origin", one)]) for one in elsewhere] == [403] * len(elsewhere)
    assert await knock(site, [("Origin", site.origin), ("Origin", "https://evil.example")]) == 403


@pytest.mark.parametrize("tab", ["", "&token=", "&token=x", f"{TAB}x", "&token=" + "%00" * 36])
async def test_a_socket_is_opened_for_a_tab_that_has_a_name(site: Site, tab: str):
    assert await knock(site, [("Origin", site.origin)], tab) == 403


def test_no_other_origin_is_configured():
    from rxconfig import config

    assert list(config.cors_allowed_origins) == []
