"""The layers in front of the pages: origins, headers, and prerendered HTML."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.configuration import settings
from tests.factories import Factories
from web.pages import PAGES
from web.server.content_security_policy import page_headers
from web.server.html import inject
from web.server.page import Build
from web.server.prerender import Prerenderer
from web.server.site import OriginRouter, PageSecurity

INDEX = "<html><head></head><body><main></main></body></html>"


def build_in(folder: Path) -> Path:
    for name in ("index.html", "404.html"):
        (folder / name).write_text(INDEX)
    (folder / "assets").mkdir()
    (folder / "assets" / "app-1a2b.js").write_text("")
    return folder


async def inner(scope: Any, receive: Any, send: Any) -> None:
    body = f"{scope['type']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def pages(connected: Any, tmp_path: Path) -> httpx.AsyncClient:
    site = OriginRouter(
        pages=PageSecurity(
            Prerenderer(inner, PAGES, Build(build_in(tmp_path), settings)),
            page_headers(tmp_path, settings),
            https_only=False,
        ),
        api=connected,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://factoids.test")


async def test_the_api_and_the_pages_share_an_origin(pages: httpx.AsyncClient):
    assert (await pages.get("/api/factoids")).json()["items"] == []
    assert (await pages.get("/apiary")).text == "http /apiary"


async def test_pages_have_security_headers_and_hashed_files_are_cached(pages: httpx.AsyncClient):
    page, script = await pages.get("/"), await pages.get("/assets/app-1a2b.js")

    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        pytest.param(b"https://factoids.test", True, id="the page's own"),
        pytest.param(b"https://evil.test", False, id="another site"),
        pytest.param(b"https://factoids.test.evil.test", False, id="a name that starts like ours"),
        pytest.param(b"null", False, id="a sandboxed frame"),
        pytest.param(b"https://www.factoids.test", False, id="a name below ours"),
        pytest.param(b"https://factoids.test:8443", False, id="another port"),
        pytest.param(None, False, id="no browser"),
    ],
)
async def test_a_websocket_is_opened_from_our_own_pages_only(origin: bytes | None, admitted: bool):
    reached, sent = list[str](), list[Any]()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    headers = [(b"host", b"factoids.test")] + ([(b"origin", origin)] if origin else [])
    scope = {"type": "websocket", "path": "/_event", "headers": headers}
    await PageSecurity(app, [], https_only=False)(scope, receive, send)

    assert (reached, sent) == (["/_event"], []) if admitted else ([], ["websocket.close"])


async def test_a_factoids_page_has_its_text_and_metadata_without_script(
    pages: httpx.AsyncClient, make: Factories
):
    factoid = await make.factoid('A "<b>bold</b>" fact </script><script>alert(1)</script>.')

    page = await pages.get(f"/f/{factoid.id}")

    assert page.status_code == 200
    assert f'<link rel="canonical" href="http://factoids.test/f/{factoid.id}"/>' in page.text
    assert '<meta property="og:title" content="🪐 Venus"/>' in page.text
    assert "A &quot;&lt;b&gt;bold&lt;/b&gt;&quot; fact" in page.text
    assert "<script>alert" not in page.text
    assert "<b>bold" not in page.text


@pytest.mark.parametrize("name", [str(uuid4()), "nonsense", "%3Cscript%3E", "..%2f"])
async def test_an_unknown_factoid_is_a_helpful_404(pages: httpx.AsyncClient, name: str):
    page = await pages.get(f"/f/{name}")

    assert page.status_code == 404
    assert "See the newest facts" in page.text
    assert 'name="robots" content="noindex"' in page.text


async def test_the_feed_can_be_read_without_script(pages: httpx.AsyncClient, make: Factories):
    factoid = await make.factoid("Two < three & four.")

    page = await pages.get("/")

    assert f'<a href="/f/{factoid.id}">' in page.text
    assert "Two &lt; three &amp; four." in page.text
    assert page.text.count("</body>") == 1


@pytest.mark.parametrize("after", ["", "?session=cs_test_1", "/cancelled"])
async def test_a_payments_page_is_not_indexed(pages: httpx.AsyncClient, after: str):
    page = await pages.get(f"/checkout/{uuid4()}{after}")

    assert page.status_code == 200
    assert "<title>Your payment | " in page.text
    assert 'name="robots" content="noindex"' in page.text
    assert "<noscript>" in page.text


async def test_an_address_without_a_payment_is_left_to_the_build(pages: httpx.AsyncClient):
    assert (await pages.get("/checkout/nonsense")).text == "http /checkout/nonsense"


def test_inserted_html_goes_to_the_real_end_of_the_body():
    document = "<head></head><body><script>'</body>'</script></body></html>"

    assert inject(document, "H", "B") == (
        "<head>H</head><body><script>'</body>'</script>B</body></html>"
    )
