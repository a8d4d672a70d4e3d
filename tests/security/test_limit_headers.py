"""Thousands of answers, admitted and refused: what they say of limits can be read and is true."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any

import http_sf
import httpx
import pytest

from tests.limits import age
from tests.processes import RunningAPI, running_api
from tests.proof import at_length

VISITORS, ASKED_BY_EACH = at_length(3, whole=20), 500
LIMITS = {
    "GENERATE_LIMITS": "2/60,5/3600,9/86400",
    "KEY_GENERATE_LIMITS": "3/50,7/90",
    "VOTE_LIMITS": "30/60",
    "NETWORK_VOTE_LIMITS": "60/60",
    "FEEDBACK_LIMITS": "8/60,12/3600",
    "READ_LIMITS": "100/60,150/3600",
    "KEY_READ_LIMITS": "60/60",
}
POLICIES = {
    "generate": {"minute": (2, 60), "hour": (5, 3_600), "day": (9, 86_400)},
    "generate with a key": {"50s": (3, 50), "90s": (7, 90)},
    "vote": {"minute": (30, 60)},
    "feedback": {"minute": (8, 60), "hour": (12, 3_600)},
    "read": {"minute": (100, 60), "hour": (150, 3_600)},
    "read with a key": {"minute": (60, 60)},
}


@pytest.fixture(scope="module")
async def tight(empty_database: None) -> AsyncGenerator[RunningAPI]:
    async with running_api(**LIMITS, TRUSTED_PROXY_HOPS="1") as api:
        yield api


def numbers(answer: httpx.Response, field: str) -> dict[str, dict[str, int]]:
    """A structured list of strings, each once, with whole numbers as parameters."""
    (written,) = answer.headers.get_list(field)
    items: Any = http_sf.parse(written.encode(), tltype="list")
    read = {name: dict(parameters) for name, parameters in items}
    assert len(read) == len(items) > 0
    assert all(isinstance(name, str) for name in read)
    assert all(type(one) is int for of in read.values() for one in of.values())
    return read


def wrong_with(answer: httpx.Response, operation: str) -> str | None:
    """What is not as it should be in the headers of an answer to an operation."""
    try:
        left, told = numbers(answer, "RateLimit"), numbers(answer, "RateLimit-Policy")
        policy = {name: (of.pop("q"), of.pop("w")) for name, of in told.items()}
        assert policy == POLICIES[operation], "another policy"
        assert not any(told.values()), "an unknown parameter"
        assert list(left) == list(policy), "other windows than the policy's"
        waits: list[int] = []
        for name, of in left.items():
            limit, window_s = policy[name]
            assert 0 <= of["r"] <= limit, "more left than there is"
            assert set(of) == ({"r"} if of["r"] else {"r", "t"}), "a wait that is missing or idle"
            if "t" in of:
                assert 1 <= of["t"] <= window_s, "a wait longer than the window"
                waits.append(of["t"])
        if answer.status_code == 429:
            (written,) = answer.headers.get_list("Retry-After")
            item: Any = http_sf.parse(written.encode(), tltype="item")
            wait_s = item[0]
            assert type(wait_s) is int, "a wait that is no whole number"
            assert waits, "refused, and nothing is full"
            assert wait_s >= max(waits), "a wait that is too short"
            assert wait_s == answer.json()["retry_after_s"], "another wait in the body"
        else:
            assert answer.is_success, f"status {answer.status_code}"
            assert "Retry-After" not in answer.headers, "a wait although it was admitted"
    except (AssertionError, KeyError, ValueError) as error:
        return f"{operation}: {error!r} in {dict(answer.headers)}"
    return None


class Asker:
    """A visitor on a network of their own, with a key, who asks for anything at random."""

    def __init__(self, client: httpx.AsyncClient, factoid_id: str, seed: int) -> None:
        self._client, self._factoid_id = client, factoid_id
        self._chance = random.Random(seed)
        self._key: dict[str, str] = {}
        self.seen: Counter[tuple[str, int]] = Counter()
        self.wrong: list[str] = []

    async def ask_often(self) -> None:
        # Before all reads are used up.
        made = await self._client.post("/api/keys", json={"name": "mine"})
        self._key = {"Authorization": f"Bearer {made.json()['token']}"}
        for _ in range(ASKED_BY_EACH):
            operation, answer = await self._ask()
            self.seen[operation, answer.status_code] += 1
            if (found := wrong_with(answer, operation)) is not None:
                self.wrong.append(found)

    async def _ask(self) -> tuple[str, httpx.Response]:
        post, operation = self._client.post, self._chance.choice(list(POLICIES))
        headers = self._key if "key" in operation else {}
        if operation.startswith("generate"):
            return operation, await post("/api/factoids/generate", json={}, headers=headers)
        if operation == "vote":
            path = f"/api/factoids/{self._factoid_id}/vote"
            value = self._chance.choice([-1, 0, 1])
            return operation, await self._client.put(path, json={"value": value})
        if operation == "feedback":
            body = {"factoid_id": self._factoid_id, "comment": "So true."}
            return operation, await post("/api/factoids/feedback", json=body)
        paths = ["", f"/{self._factoid_id}", "/random", "/limits", "/quote"]
        path = f"/api/factoids{self._chance.choice(paths)}"
        return operation, await self._client.get(path, headers=headers)


async def test_no_answer_says_anything_wrong_of_limits(tight, redis, database, make):
    await make.model()
    factoid = await make.factoid()
    askers: list[Asker] = []

    async def ask(place: int) -> None:
        network = {"X-Forwarded-For": f"203.0.{place}.9"}
        async with tight.client(headers=network) as client:
            askers.append(Asker(client, str(factoid.id), place))
            await askers[-1].ask_often()

    await asyncio.gather(*(ask(place) for place in range(VISITORS)))

    assert [found for asker in askers for found in asker.wrong] == []
    seen = sum((asker.seen for asker in askers), Counter[tuple[str, int]]())
    assert seen.total() == VISITORS * ASKED_BY_EACH
    for operation in POLICIES:
        admitted = sum(
            n for (name, status), n in seen.items() if name == operation and status < 300
        )
        assert admitted > 0
        assert seen[operation, 429] > 0


async def test_whoever_waits_as_long_as_they_are_told_is_admitted(tight, redis, database, make):
    await make.model()
    waited_s: list[int] = []
    async with tight.client() as client:
        for _ in range(14):
            answer = await client.post("/api/factoids/generate", json={})
            if waited_s and waited_s[-1]:
                assert answer.status_code == 202
            waited_s.append(int(answer.headers.get("Retry-After", 0)))
            await age(redis, waited_s[-1])

    # For each of the windows once at least.
    assert any(0 < one <= 60 for one in waited_s)
    assert any(60 < one <= 3_600 for one in waited_s)
    assert any(one > 3_600 for one in waited_s)
