"""A call made twice under one `Idempotency-Key` happens once."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from api.visitor_cookie import VisitorTokens
from db.session import Database
from domain.idempotency import (
    KEPT_S,
    LOCK_S,
    IdempotencyLock,
    IdempotencyService,
    KeyedRequest,
    KeyRef,
    KeyReused,
    StoredResponse,
)
from jobs.maintenance import delete_old_idempotency_keys
from tests.configuration import settings
from tests.fixtures.api import api_client
from tests.fixtures.generation import MODEL, PATIENTLY, completions, waiting_for_table
from tests.processes import RunningAPI, running_api, until
from tests.services import services_on

GENERATE = "/api/factoids/generate"
REPLAYED = "Idempotent-Replayed"
ONE_A_MINUTE = {"GENERATE_LIMITS": "1/60", "TRUSTED_PROXY_HOPS": "1"}


@pytest.fixture(scope="module")
async def two_apis(empty_database: None) -> AsyncGenerator[list[RunningAPI]]:
    async with running_api(**ONE_A_MINUTE) as one, running_api(**ONE_A_MINUTE) as other:
        yield [one, other]


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **more}


def visitor() -> dict[str, str]:
    return {"Cookie": f"visitor={VisitorTokens(settings.secret_key).write(uuid4())}"}


async def requests_made(database: Database) -> int:
    return await count(database, "SELECT count(*) FROM generation_requests")


async def count(database: Database, query: str) -> int:
    async with database.sessions() as session:
        return (await session.execute(text(query))).scalar_one()


async def change(database: Database, statement: str) -> None:
    async with database.sessions.begin() as session:
        await session.execute(text(statement))


async def its_holder_is_given_up(database: Database) -> None:
    """As when its time is over and nobody renewed it."""
    await change(database, "UPDATE idempotency_keys SET locked_until = now()")


async def test_a_double_click_of_fifty_at_two_processes_makes_one_call(
    two_apis, database, generation_harness, standin
):
    who = visitor()

    async def press(place: int) -> httpx.Response:
        async with two_apis[place % 2].client(headers=who | keyed('"press-1"')) as client:
            return await client.post(GENERATE, json={"topic": "honey", "model": MODEL})

    answers = await asyncio.gather(*(press(place) for place in range(50)))
    accepted = [answer for answer in answers if answer.status_code == 202]
    made = accepted[0].json()["id"]
    await generation_harness.finish(made)
    again = await press(0)

    assert {answer.status_code for answer in answers} <= {202, 409}
    assert sum(REPLAYED not in answer.headers for answer in accepted) == 1
    assert {answer.content for answer in [*accepted, again]} == {accepted[0].content}
    assert again.headers[REPLAYED] == "true"
    assert await requests_made(database) == 1
    assert len(completions(await standin.log())) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "idempotency_key_in_use"
            assert int(answer.headers["Retry-After"]) >= 1


async def test_a_repeat_is_answered_byte_for_byte(api, model, database):
    first = await api.post(GENERATE, json={"topic": "honey"}, headers=keyed("k"))

    again = await api.post(GENERATE, json={"topic": "honey"}, headers=keyed("k"))

    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    for name in ("content-type", "content-length", "location"):
        assert first.headers[name] == again.headers[name]
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")
    assert await requests_made(database) == 1


async def test_quoted_and_bare_are_the_same_key(api, model, database):
    for written in ("a-key", '"a-key"', '  "a-key"'):
        await api.post(GENERATE, json={}, headers=keyed(written))

    assert await requests_made(database) == 1


@pytest.mark.parametrize("body", [{"topic": "bees"}, {}, {"topic": "honey", "model": MODEL}])
async def test_another_body_under_the_same_key_is_refused(api, model, database, body):
    await api.post(GENERATE, json={"topic": "honey"}, headers=keyed("k"))

    other = await api.post(GENERATE, json=body, headers=keyed("k"))

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await requests_made(database) == 1


async def test_two_callers_with_the_same_key_know_nothing_of_each_other(app, api, model, database):
    mine = await api.post(GENERATE, json={"topic": "honey"}, headers=keyed("k"))

    async with api_client(app) as stranger:
        theirs = await stranger.post(GENERATE, json={"topic": "bees"}, headers=keyed("k"))

    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json()["id"] != theirs.json()["id"]
    assert REPLAYED not in theirs.headers


async def test_without_a_cookie_each_call_is_a_new_visitor(app, model, database):
    for _ in range(2):
        async with api_client(app) as stranger:
            await stranger.post(GENERATE, json={}, headers=keyed("k"))

    assert await requests_made(database) == 2


async def test_while_it_is_being_answered_a_repeat_is_told_to_come_back(
    api, generation_harness, database, standin
):
    api.headers.update(visitor())
    asked: Any = {"json": {"model": MODEL}, "headers": keyed("k", Prefer="wait=60")}
    first = asyncio.create_task(api.post(GENERATE, **asked))

    async def its_id() -> Any:
        made = (await api.get(GENERATE)).json()["items"]
        return made and made[0]["id"]

    made = await until(its_id, "the request to be made")
    meanwhile = await api.post(GENERATE, **asked)
    other = await api.post(GENERATE, json={}, headers=keyed("k"))
    await generation_harness.finish(made)
    answer = await first
    after = await api.post(GENERATE, **asked)

    assert (meanwhile.status_code, other.status_code) == (409, 422)
    assert int(meanwhile.headers["Retry-After"]) >= 1
    assert answer.status_code == after.status_code == 201
    assert answer.content == after.content
    assert answer.json()["factoid"]["id"]
    assert len(completions(await standin.log())) == 1


async def test_killed_after_the_request_was_made_a_repeat_finds_it(
    database, generation_harness, standin
):
    who = visitor() | keyed("k", Prefer="wait=60")

    async def press(api: RunningAPI) -> httpx.Response:
        async with api.client(headers=who) as client:
            return await client.post(GENERATE, json={"model": MODEL})

    async with running_api(**ONE_A_MINUTE) as other:
        async with running_api(**ONE_A_MINUTE) as api:
            first = asyncio.create_task(press(api))
            await until(lambda: requests_made(database), "the request to be made")
            await api.kill()
            with pytest.raises(httpx.TransportError):
                await first
        held = await press(other)
        await its_holder_is_given_up(database)
        repeat = asyncio.create_task(press(other))
        request_id = await one_id(database)
        await generation_harness.finish(request_id)
        found = await repeat

    assert held.status_code == 409
    assert (found.status_code, found.json()["id"]) == (201, str(request_id))
    assert await requests_made(database) == 1
    assert len(completions(await standin.log())) == 1


async def one_id(database: Database) -> Any:
    async with database.sessions() as session:
        return (await session.execute(text("SELECT id FROM generation_requests"))).scalar_one()


async def test_killed_before_the_request_was_made_a_repeat_makes_it(database, model):
    who = visitor() | keyed("k")

    async def press(api: RunningAPI) -> httpx.Response:
        async with api.client(headers=who) as client:
            return await client.post(GENERATE, json={"model": MODEL})

    # The first was counted already, and so was its limit's whole room.
    async with running_api(**ONE_A_MINUTE) as other:
        async with running_api(**ONE_A_MINUTE) as api, database.sessions.begin() as session:
            await session.execute(text(PATIENTLY))
            await session.execute(text("LOCK TABLE outbox IN EXCLUSIVE MODE"))
            first = asyncio.create_task(press(api))
            await until(lambda: waiting_for_table(database, "outbox"), "the request to wait")
            await api.kill()
            with pytest.raises(httpx.TransportError):
                await first
        await its_holder_is_given_up(database)
        made = await press(other)

    assert (made.status_code, REPLAYED in made.headers) == (202, False)
    assert await requests_made(database) == 1


async def test_a_lock_that_is_renewed_is_not_taken_over(database):
    lock = await lock_for(database, a_request())

    async def renewed() -> bool:
        query = (
            f"SELECT count(*) FROM idempotency_keys WHERE locked_until > now() + '{LOCK_S - 1}s'"
        )
        return await count(database, query) == 1

    async with lock.renewed(renew_every_s=0.01):
        await its_holder_is_given_up(database)
        assert await until(renewed, "the lock to be renewed")


async def test_what_was_refused_for_now_can_be_tried_again_with_its_key(two_apis, model, database):
    async with two_apis[0].client(headers=visitor()) as client:
        first = await client.post(GENERATE, json={}, headers=keyed("first"))
        refused = await client.post(GENERATE, json={}, headers=keyed("second"))
        await client.delete(f"{GENERATE}/{first.json()['id']}")
        again = await client.post(GENERATE, json={}, headers=keyed("second"))

    assert [one.status_code for one in (first, refused, again)] == [202, 429, 202]
    assert REPLAYED not in again.headers


async def test_what_was_away_can_be_tried_again_with_its_key(api, make):
    away = await api.post(GENERATE, json={}, headers=keyed("k"))
    await make.model(MODEL)
    # It may have been made all the same: only who asks the same may look.
    other = await api.post(GENERATE, json={"topic": "bees"}, headers=keyed("k"))
    again = await api.post(GENERATE, json={}, headers=keyed("k"))

    assert [one.status_code for one in (away, other, again)] == [503, 422, 202]


async def test_a_refusal_that_would_stay_the_same_is_repeated(api, make):
    first = await api.post(GENERATE, json={"model": MODEL}, headers=keyed("k"))
    await make.model(MODEL)
    again = await api.post(GENERATE, json={"model": MODEL}, headers=keyed("k"))

    assert (first.status_code, again.status_code) == (422, 422)
    assert first.content == again.content
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers[REPLAYED] == "true"


@pytest.mark.parametrize(
    "written", ["", " ", '""', "k" * 256, f'"{"k" * 256}"', '"open', "two words", "ключ", 'a"b']
)
async def test_a_key_that_cannot_be_one_is_refused(api, model, database, written):
    answer = await api.post(GENERATE, json={}, headers={"Idempotency-Key": written.encode()})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert await requests_made(database) == 0


async def test_two_keys_at_once_are_refused(api, model):
    headers = [("Idempotency-Key", "one"), ("Idempotency-Key", "two")]

    assert (await api.post(GENERATE, json={}, headers=headers)).status_code == 400


@pytest.mark.parametrize("written", ["k" * 255, f'"{"k" * 255}"', '"two words"', '"a\\"b"'])
async def test_a_key_may_have_255_characters(api, model, written):
    assert (await api.post(GENERATE, json={}, headers=keyed(written))).status_code == 202


async def test_a_body_over_64_kib_is_refused_with_a_key_too(api, model, database):
    async def pieces() -> AsyncGenerator[bytes]:
        for _ in range(70):
            yield b" " * 1_024

    json = {"Content-Type": "application/json"}
    told = await api.post(GENERATE, content=b" " * 70_000, headers=keyed("k", **json))
    untold = await api.post(GENERATE, content=pieces(), headers=keyed("k", **json))

    assert (told.status_code, untold.status_code) == (413, 413)
    assert await count(database, "SELECT count(*) FROM idempotency_keys") == 0


async def test_a_body_is_read_as_strictly_with_a_key(api, model):
    bad = {"temperature": "1"}
    answer = await api.post(GENERATE, json=bad, headers=keyed("k"))

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/temperature")


async def test_after_a_day_a_key_is_as_good_as_new_and_is_forgotten(api, model, database, redis):
    first = await api.post(GENERATE, json={"topic": "honey"}, headers=keyed("k"))
    await change(
        database,
        f"UPDATE idempotency_keys SET created_at = now() - interval '{KEPT_S + 1} seconds'",
    )
    second = await api.post(GENERATE, json={"topic": "bees"}, headers=keyed("k"))
    await api.post(GENERATE, json={}, headers=keyed("another"))
    await change(
        database,
        "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours'"
        " WHERE key = 'another'",
    )
    context: Any = {"services": services_on(database, redis)}

    assert second.status_code == 202
    assert second.json()["id"] != first.json()["id"]
    assert await delete_old_idempotency_keys(context) == {"keys": 1}
    assert await count(database, "SELECT count(*) FROM idempotency_keys") == 1


async def test_no_answer_can_be_read_from_the_database_alone(api, model, database):
    await api.post(GENERATE, json={"topic": "honey"}, headers=keyed("k"))

    async with database.sessions() as session:
        kept = (await session.execute(text("SELECT body FROM idempotency_keys"))).scalar_one()

    assert len(kept) > 100
    assert b"honey" not in kept


def a_request() -> KeyedRequest:
    return KeyedRequest(KeyRef(uuid4(), "Anything", "k"), b"asked")


async def lock_for(database: Database, request: KeyedRequest) -> IdempotencyLock:
    lock = await IdempotencyService(database.sessions, "secret").acquire(request)
    assert isinstance(lock, IdempotencyLock)
    return lock


async def replayed(database: Database, request: KeyedRequest, *secrets: str) -> bytes:
    response = await IdempotencyService(database.sessions, *secrets).acquire(request)
    assert isinstance(response, StoredResponse)
    return response.body


async def test_a_stored_response_is_readable_with_its_secret_also_after_a_rotation(database):
    request = a_request()
    await (await lock_for(database, request)).complete(StoredResponse(200, [], b"shown once"))

    assert await replayed(database, request, "secret") == b"shown once"
    assert await replayed(database, request, "another", "secret") == b"shown once"
    with pytest.raises(KeyReused):
        await replayed(database, request, "another")


async def test_a_stored_response_is_refused_when_it_was_altered_or_is_anothers(database):
    mine, other = a_request(), a_request()
    for request, body in ((mine, b"mine"), (other, b"the other's")):
        await (await lock_for(database, request)).complete(StoredResponse(200, [], body))

    await change(
        database,
        "UPDATE idempotency_keys SET body = there.body FROM idempotency_keys AS there"
        f" WHERE idempotency_keys.caller_id = '{mine.ref.caller_id}'"
        f" AND there.caller_id = '{other.ref.caller_id}'",
    )
    with pytest.raises(KeyReused):
        await replayed(database, mine, "secret")

    await change(
        database,
        "UPDATE idempotency_keys SET body = set_byte(body, 40, 65 + get_byte(body, 40) % 2)"
        f" WHERE caller_id = '{other.ref.caller_id}'",
    )
    with pytest.raises(KeyReused):
        await replayed(database, other, "secret")


async def test_an_api_key_is_made_once_and_its_token_is_in_no_table(api, database):
    api.headers.update(visitor())
    asked: Any = {"json": {"name": "my script"}, "headers": keyed("k")}
    first, again = [await api.post("/api/keys", **asked) for _ in range(2)]

    async with database.sessions() as session:
        kept = (await session.execute(text("SELECT body FROM idempotency_keys"))).scalar_one()
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.json()["token"].encode() not in kept
    assert len((await api.get("/api/keys")).json()["items"]) == 1
