"""What caches may keep, and what is not sent twice."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.fixtures.api import api_client


async def test_strangers_share_an_answer_and_known_visitors_do_not(app, make):
    factoid = await make.factoid()
    async with api_client(app) as stranger, api_client(app) as known:
        await known.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})
        for path in ("/api/factoids", f"/api/factoids/{factoid.id}", "/api/categories"):
            shared = await stranger.get(path)
            own = await known.get(path)
            assert shared.headers["cache-control"].startswith("public, max-age=30")
            assert own.headers["cache-control"] == "private, no-cache"
            assert shared.headers["vary"] == "Accept-Encoding"
        assert (await known.get("/api/factoids")).json()["items"][0]["my_vote"] == 1
        assert (await stranger.get("/api/factoids")).json()["items"][0]["my_vote"] is None
        for path in ("/api/factoids/limits", "/api/factoids/generate"):
            assert (await known.get(path)).headers["cache-control"] == "private, no-store"


def exactly(tag: str) -> str:
    return tag


@pytest.mark.parametrize(
    "spell",
    [
        pytest.param(exactly, id="as it was"),
        pytest.param(lambda tag: f'"other", {tag}', id="in a list"),
        pytest.param(lambda tag: tag.removeprefix("W/"), id="as a strong one"),
        pytest.param(lambda tag: f"W/{tag.removeprefix('W/')}", id="as a weak one"),
        pytest.param(lambda _: "*", id="any"),
    ],
)
@pytest.mark.parametrize("path", ["/api/factoids", "/api/factoids/{id}", "/api/factoids/today"])
async def test_who_has_it_already_is_not_sent_it_again(
    api, make, path: str, spell: Callable[[str], str]
):
    factoid = await make.factoid(created_at=datetime.now(UTC) - timedelta(days=2))
    path = path.format(id=factoid.id)
    tag = (await api.get(path)).headers["etag"]

    again = await api.get(path, headers={"If-None-Match": spell(tag)})
    other = await api.get(path, headers={"If-None-Match": '"other"'})

    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == tag
    assert "content-type" not in again.headers
    assert other.status_code == 200
    assert tag.startswith("W/") == (path == "/api/factoids")


async def test_the_tag_changes_with_the_tally(api, make):
    factoid = await make.factoid()
    tag = (await api.get("/api/factoids")).headers["etag"]

    await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": 1})

    assert (await api.get("/api/factoids")).headers["etag"] != tag
