"""A fact from the vault: stored, on the topic, and new to whoever asks."""

from uuid import uuid4

import pytest
from sqlalchemy import text

VAULT = "/api/factoids/vault"


async def opened(api, **asked) -> str:
    answer = await api.get(VAULT, params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-store"
    return answer.json()["id"]


async def empty(api, **asked) -> bool:
    answer = await api.get(VAULT, params=asked)
    return (answer.status_code, answer.json()["code"]) == (404, "vault_empty")


async def test_a_fact_on_the_topic_is_found_by_its_words(api, make):
    await make.factoid("Honey never spoils.", subject="Honey", category="food")
    octopus = await make.factoid("An octopus has three hearts.", subject="Octopus hearts")

    assert await opened(api, topic="octopuses") == str(octopus.id)
    assert await opened(api, topic="the hearts of an octopus") == str(octopus.id)


async def test_the_best_match_comes_first_then_those_with_some_of_the_words(api, make):
    hearts = await make.factoid("Octopus hearts stop when it swims.", subject="Octopus hearts")
    diver = await make.factoid("An octopus was met by a diver with two hearts.", subject="Diving")
    arms = await make.factoid("An octopus thinks with its arms.", subject="Nerves")

    met: list[str] = []
    for _ in range(3):
        met.append(await opened(api, topic="octopus hearts", seen=met))

    assert met == [str(hearts.id), str(diver.id), str(arms.id)]
    assert await empty(api, topic="octopus hearts", seen=",".join(met))


async def test_a_misspelt_topic_is_understood(api, make):
    octopus = await make.factoid("Octopuses have three hearts.", subject="Hearts")
    await make.factoid("Honey never spoils.", subject="Honey")

    assert await opened(api, topic="octpous") == str(octopus.id)


@pytest.mark.parametrize("topic", ["ocean", "Oceans!", "something of the human body"])
async def test_a_topic_that_names_a_category_finds_what_is_in_it(api, make, topic):
    await make.factoid("Bees dance.", subject="Bees", category="animals")
    filed = await make.factoid(
        "Waves can be higher than houses.",
        subject="Waves",
        category="ocean" if "cean" in topic else "body",
    )

    assert await opened(api, topic=topic) == str(filed.id)


async def test_without_a_topic_any_unmet_fact_is_found(api, make):
    ids = {str(one) for one in await make.factoids(3)}
    seen: list[str] = []
    for _ in range(3):
        seen.append(await opened(api, seen=seen))

    assert set(seen) == ids
    assert await empty(api, seen=seen)


async def test_what_the_visitor_voted_on_is_left_out_for_them_alone(api, app, make):
    from tests.fixtures.api import api_client

    factoid = await make.factoid("An octopus has three hearts.")
    await api.put(f"/api/factoids/{factoid.id}/vote", json={"value": -1})

    assert await empty(api, topic="octopus")
    assert await empty(api)
    async with api_client(app) as stranger:
        assert await opened(stranger, topic="octopus") == str(factoid.id)
        assert await opened(stranger) == str(factoid.id)


async def test_what_the_visitor_asked_for_is_left_out(api, make, generation_harness):
    asked = (await api.post("/api/factoids/generate", json={"topic": "honey"})).json()["id"]
    factoid = await make.factoid("Honey never spoils.", subject="Honey")
    async with generation_harness.database.sessions.begin() as session:
        made_for = {"factoid": factoid.id, "request": asked}
        await session.execute(
            text("UPDATE generation_requests SET factoid_id = :factoid WHERE id = :request"),
            made_for,
        )

    assert await empty(api, topic="honey")
    assert await empty(api)


async def test_an_empty_vault_says_so_kindly(api):
    answer = await api.get(VAULT, params={"topic": "honey"})

    assert (answer.status_code, answer.json()["code"]) == (404, "vault_empty")
    assert "Try another topic" in answer.json()["detail"]


@pytest.mark.parametrize("seen", ["x", "1,2", f"{uuid4()},", str(uuid4())[:-1], f"{uuid4()}\n"])
async def test_ids_that_are_none_are_refused(api, seen):
    assert (await api.get(VAULT, params={"seen": seen})).status_code == 422


async def test_ids_are_bounded(api, make):
    await make.factoid()
    hundred = [str(uuid4()) for _ in range(100)]

    assert (await api.get(VAULT, params={"seen": hundred})).status_code == 200
    assert (await api.get(VAULT, params={"seen": ",".join(hundred)})).status_code == 200
    assert (await api.get(VAULT, params={"seen": [*hundred, str(uuid4())]})).status_code == 422
    more = ",".join([*hundred, str(uuid4())])
    assert (await api.get(VAULT, params={"seen": more})).status_code == 422


@pytest.mark.parametrize("topic", ["' OR 1=1 --", "a & ! | b:*", "%", "\\", "null", "🐙", "the"])
async def test_a_topic_is_only_words(api, make, topic):
    await make.factoid("An octopus has three hearts.")

    assert (await api.get(VAULT, params={"topic": topic})).status_code in {200, 404}
