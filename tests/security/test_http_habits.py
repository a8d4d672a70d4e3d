"""What browsers, proxies and tools send by habit: files they look for, headers that are lists."""

import gzip

import httpx
import pytest

from api.auth import client_address
from api.http_semantics import accepts_gzip
from tests.e2e.stack import Site


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate, gzip ; q=1.0", True),
        ("*", True),
        ("x-gzip", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("identity;q=1, *;q=0", False),
        ("br, gzipped", False),
        ("gzip;q=many", False),
        ("", False),
    ],
)
async def test_pages_are_compressed_for_who_accepts_it(site: Site, accepted: str, compressed: bool):
    async with httpx.AsyncClient(base_url=site.origin) as client:
        request = client.build_request("GET", "/", headers={"Accept-Encoding": accepted})
        response = await client.send(request, stream=True)
        body = b"".join([piece async for piece in response.aiter_raw()])

    assert response.headers.get("content-encoding") == ("gzip" if compressed else None)
    assert b"<html" in (gzip.decompress(body) if compressed else body)
    assert response.headers.get_list("vary") == ["accept-encoding"]


def test_a_list_may_have_several_lines():
    lines = [(b"accept-encoding", b"br"), (b"accept-encoding", b"gzip;q=0.1")]

    assert accepts_gzip(lines)
    assert not accepts_gzip([*lines[:1], (b"accept-encoding", b"gzip;q=0")])


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ([b"198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        ([b"198.51.100.1", b"203.0.113.7"], "203.0.113.7"),
        ([b"203.0.113.7:52341"], "203.0.113.7"),
        ([b"[2001:db8::7]:443"], "2001:db8::7"),
        ([b"2001:db8::7"], "2001:db8::7"),
        ([b" ,, 203.0.113.7 ,"], "203.0.113.7"),
    ],
)
def test_the_last_hop_is_the_client(lines: list[bytes], address: str):
    headers = [(b"x-forwarded-for", line) for line in lines]

    assert client_address({"client": ("192.0.2.1", 1), "headers": headers}, 1) == address


@pytest.mark.parametrize(
    "path", ["/favicon.ico", "/favicon.svg", "/apple-touch-icon.png", "/robots.txt"]
)
async def test_files_that_are_asked_for_by_habit_are_small(site: Site, path: str):
    async with httpx.AsyncClient(base_url=site.origin) as client:
        response = await client.get(path)

    assert response.status_code == 200
    assert not response.headers["content-type"].startswith("text/html")
    assert len(response.content) < 10_000
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    "path",
    [
        "/apple-touch-icon-120x120-precomposed.png",
        "/browserconfig.xml",
        "/.well-known/change-password",
        "/.well-known/appspecific/com.chrome.devtools.json",
        "/sw.js",
        "/wp-login.php",
        "/%00.js",
        "/assets/gone-1a2b.js",
        "/%2e%2e/pyproject.toml",
    ],
)
async def test_files_that_are_not_there_are_a_short_answer(site: Site, path: str):
    async with httpx.AsyncClient(base_url=site.origin) as client:
        response = await client.get(path)

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")
    assert len(response.content) < 100
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["//api/nothing", "///api/nothing", "//api//nothing"])
async def test_the_api_answers_its_addresses_whatever_the_slashes(site: Site, path: str):
    async with httpx.AsyncClient() as client:
        missing = await client.get(site.origin + path)
        found = await client.get(site.origin + path.replace("nothing", "factoids"))

    assert missing.status_code == 404
    assert missing.headers["content-type"] == "application/problem+json"
    assert found.json()["items"] == []
    for response in (missing, found):
        assert len(response.headers.get_list("vary")) <= 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'\xef\xbb\xbf{"value": 5}', 422),
        (b"\xef\xbb\xbf{}", 422),
        (b"\xef\xbb\xbf", 400),
        ('{"value": 1}'.encode("utf-16"), 400),
        (b'\xef\xbb\xbf{"value": 1}', 404),
    ],
)
async def test_a_byte_order_mark_is_no_part_of_a_body(site: Site, body: bytes, status: int):
    async with httpx.AsyncClient(base_url=site.origin) as client:
        response = await client.put(
            "/api/factoids/01a23193-4400-7000-8000-000000000000/vote",
            content=body,
            headers={"Content-Type": "Application/JSON; charset=utf-8"},
        )

    assert response.status_code == status, response.text
    assert response.json()["detail"]


@pytest.mark.parametrize("tags", ['"a, b", {}', 'W/{}, W/"x"', '"x" , {}', "*"])
async def test_a_known_answer_is_not_sent_again(site: Site, tags: str):
    async with httpx.AsyncClient(base_url=site.origin) as client:
        first = await client.get("/api/factoids")
        tag = first.headers["etag"].removeprefix("W/")
        again = await client.get("/api/factoids", headers={"If-None-Match": tags.format(tag)})

    assert again.status_code == 304
    assert again.content == b""
