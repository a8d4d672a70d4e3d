"""Every answer carries the headers that keep it from being misused."""

import base64
import re
from collections.abc import Iterator
from hashlib import sha256

import httpx
import pytest
from litestar import Litestar

from tests.e2e.stack import BUILT, Site, running_site
from tests.factories import Factories
from tests.processes import running_api

EXECUTED = re.compile(r"<script(?![^>]*ld\+json)(?:\s[^>]*)?>(.+?)</script>", re.DOTALL)
STYLE = re.compile(r"<style(?:\s[^>]*)?>(.+?)</style>", re.DOTALL)
SOME_ID = "00000000-0000-7000-8000-000000000000"
FORGED = {"origin": "https://evil.example"}


def check(answer: httpx.Response) -> dict[str, list[str]]:
    """That no header is missing or said twice; returns the policy."""
    said = [name.lower() for name in answer.headers]
    assert len(said) == len(answer.headers.multi_items()), answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "camera=()" in answer.headers["permissions-policy"]
    policy = {
        directive: sources.split()
        for directive, _, sources in (
            part.strip().partition(" ")
            for part in answer.headers["content-security-policy"].split(";")
        )
    }
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    for directive in ("script-src", "style-src", "default-src"):
        sources = policy.get(directive, policy["default-src"])
        assert "'unsafe-inline'" not in sources
        assert not [source for source in sources if ":" in source or "*" in source], sources
    return policy


def every_request(app: Litestar) -> Iterator[tuple[str, str]]:
    """Each method of each route of the API, ours or not."""
    for route in app.routes:
        path = re.sub(r"\{\w+:uuid\}", SOME_ID, route.path)
        path = re.sub(r"\{[^}]+\}", "x", path)
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            if not path.endswith("/live") or method != "GET" or "factoids" not in path:
                yield method, path


async def test_every_method_of_every_route(site: Site, app: Litestar):
    count = 0
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        for method, path in every_request(app):
            check(await client.request(method, path))
            count += 1
            if method not in {"GET", "HEAD", "OPTIONS"}:
                check(await client.request(method, path, headers=FORGED))
    assert count >= 100


async def test_every_file_of_the_build(site: Site):
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        for file in BUILT.parent.rglob("*"):
            if file.is_file() and file.suffix != ".gz":
                answer = await client.get(f"/{file.relative_to(BUILT.parent)}")
                assert answer.status_code == 200 or file.name.startswith(("404", "__spa"))
                check(answer)


async def test_pages_live_events_unchanged_answers_and_refusals(site: Site, make: Factories):
    factoid = await make.factoid()
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        for path, status in (
            ("/", 200),
            (f"/f/{factoid.id}", 200),
            (f"/f/{SOME_ID}", 404),
            ("/f/%00", 404),
            ("/nowhere", 404),
            ("/..%2f..%2frxconfig.py", 404),
            ("/docs", 200),
            ("/docs/nowhere", 404),
            ("/ping", 200),
            ("/_event/?EIO=4&transport=polling", 426),
            ("/api/factoids?limit=0", 422),
            ("/api/factoids?cursor=abc", 400),
            ("/api/nowhere", 404),
        ):
            answer = await client.get(path)
            assert answer.status_code == status, path
            check(answer)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            answer = await client.request(method, "/", content=b"x")
            assert answer.status_code == 405
            check(answer)
        listed = await client.get("/api/factoids")
        unchanged = await client.get(
            "/api/factoids", headers={"if-none-match": listed.headers["etag"]}
        )
        assert unchanged.status_code == 304
        check(unchanged)
        async with client.stream("GET", "/api/factoids/live") as live:
            assert live.headers["content-type"].startswith("text/event-stream")
            check(live)
        too_large = await client.post("/api/factoids/feedback", content=b" " * 70_000)
        assert too_large.status_code in {413, 415}
        check(too_large)


async def test_exactly_the_scripts_and_styles_of_the_build_may_run(site: Site, make: Factories):
    evil = "</script><script>alert(1)</script><style>*{display:none}</style>"
    factoid = await make.factoid(f"Evil {evil}", subject=evil)
    async with httpx.AsyncClient(base_url=site.origin, trust_env=False) as client:
        for path in ("/", f"/f/{factoid.id}", "/f/none"):
            page = await client.get(path)
            policy = check(page)
            scripts, styles = EXECUTED.findall(page.text), STYLE.findall(page.text)
            assert len(scripts) >= 5
            assert {digest(code) for code in scripts} <= set(policy["script-src"])
            assert {digest(code) for code in styles} <= set(policy["style-src"])
            assert digest("alert(1)") not in policy["script-src"]
            assert not re.search(r"<[^>]+\s(on\w+|style)=", EXECUTED.sub("", page.text))
        docs = check(await client.get("/docs"))
        assert docs["script-src"] == docs["style-src"] == ["'self'"]
        assert "<script>" not in (await client.get("/docs")).text


def digest(code: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(code.encode()).digest()).decode()}'"


@pytest.mark.parametrize("path", ["/", "/api/factoids", "/api/nowhere", "/docs", "/robots.txt"])
async def test_browsers_are_told_to_come_by_tls_alone(secure_site: Site, path: str):
    async with httpx.AsyncClient(base_url=secure_site.origin, trust_env=False) as client:
        answer = await client.get(path)

    seconds = re.match(r"max-age=(\d+)", answer.headers["strict-transport-security"])
    assert seconds
    assert int(seconds[1]) >= 31_536_000


@pytest.fixture(scope="session")
async def secure_site(empty_database: None):
    async with running_site(PUBLIC_URL="https://factoids.example") as site:
        yield site


async def test_the_api_alone_says_the_same(make: Factories):
    async with running_api() as api, api.client() as client:
        for path in ("/api/factoids", "/", "/docs", "/health/ready", "/docs-browser/start.js"):
            check(await client.get(path))
        check(await client.put(f"/api/factoids/{SOME_ID}/vote", headers=FORGED))


@pytest.mark.parametrize(
    ("provider", "hosts"),
    [
        ("turnstile", {"https://challenges.cloudflare.com"}),
        ("hcaptcha", {"https://hcaptcha.com", "https://*.hcaptcha.com"}),
    ],
)
async def test_a_captchas_host_is_allowed_when_it_is_configured(
    empty_database: None, provider: str, hosts: set[str]
):
    keys = {"CAPTCHA_SITE_KEY": "site-key", "CAPTCHA_SECRET": "secret"}
    async with (
        running_site(CAPTCHA_PROVIDER=provider, **keys) as site,
        httpx.AsyncClient(base_url=site.origin, trust_env=False) as client,
    ):
        page, data = await client.get("/"), await client.get("/api/factoids")

    policy = page.headers["content-security-policy"]
    allowed = {source for source in re.split(r"[ ;]+", policy) if source.startswith("https:")}
    assert allowed == hosts
    assert "frame-src 'self' https://" in policy
    check(data)
