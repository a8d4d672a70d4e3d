"""A Redis of its own that dies, hangs and comes back: what goes on and what waits."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from dev.binaries import valkey_program
from tests.processes import RunningAPI, free_port, running_api, until

LIMITS = {"GENERATE_LIMITS": "1/60", "VOTE_LIMITS": "3/60", "NETWORK_VOTE_LIMITS": "5/60"}


class OwnRedis:
    """A server that may be killed."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(valkey_program(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""),
            cwd=self._folder,
            stdout=asyncio.subprocess.DEVNULL,
        )

        async def answers() -> bool:
            async with Redis.from_url(self.url) as client:
                with suppress(Exception):
                    return bool(await client.execute_command("PING"))
            return False

        await until(answers, "Redis to answer")

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


@pytest.fixture
async def own_redis(tmp_path: Path) -> AsyncGenerator[OwnRedis]:
    server = OwnRedis(tmp_path)
    await server.start()
    yield server
    await server.kill()


@pytest.fixture
async def running(own_redis: OwnRedis, database, model) -> AsyncGenerator[RunningAPI]:
    async with running_api(REDIS_URL=own_redis.url, **LIMITS) as api:
        yield api


async def generate(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/api/factoids/generate", json={})


@pytest.mark.parametrize("how", ["killed", "hanging"])
async def test_without_redis_reading_and_voting_go_on_and_spending_waits(
    running, own_redis, make, how
):
    factoid = await make.factoid()
    path = f"/api/factoids/{factoid.id}/vote"
    async with running.client() as client:
        assert (await client.put(path, json={"value": 1})).status_code == 200
        if how == "killed":
            await own_redis.kill()
        else:
            own_redis.process.send_signal(signal.SIGSTOP)
        try:
            assert (await client.get("/api/factoids")).status_code == 200
            # The count begins anew in Postgres, and is as exact there.
            votes = await asyncio.gather(
                *(client.put(path, json={"value": place % 2}) for place in range(6))
            )
            assert sorted(one.status_code for one in votes) == [200] * 3 + [429] * 3
            assert all(one.headers["RateLimit"].startswith('"minute";r=') for one in votes)
            strangers = [running.client() for _ in range(4)]
            others = [await one.put(path, json={"value": 1}) for one in strangers]
            # Their network has two of its five left.
            assert [one.status_code for one in others] == [200, 200, 429, 429]
            for one in strangers:
                await one.aclose()
            refused = await generate(client)
            assert (refused.status_code, refused.json()["code"]) == (503, "limiter_away")
            assert int(refused.headers["Retry-After"]) == refused.json()["retry_after_s"] > 0
            assert refused.headers["RateLimit"] == '"minute";r=0;t=5'
            limits = await client.get("/api/factoids/limits")
            assert limits.status_code == 503
            assert int(limits.headers["Retry-After"]) > 0
        finally:
            if how == "hanging":
                own_redis.process.send_signal(signal.SIGCONT)


async def test_limits_are_right_again_when_redis_is_back(running, own_redis):
    async with running.client() as client:
        await own_redis.kill()
        assert (await generate(client)).status_code == 503
        await own_redis.start()

        async def admitted() -> bool:
            return (await generate(client)).status_code == 202

        await until(admitted, "Redis to be seen again")

        refused = await generate(client)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 60


async def test_a_restarted_redis_has_forgotten_for_one_window_at_most(running, own_redis):
    """The script is loaded anew, and what it counts from then on is exact."""
    async with running.client() as client:
        assert (await generate(client)).status_code == 202
        await own_redis.kill()
        await own_redis.start()

        async def told() -> list[int]:
            answers = await asyncio.gather(*(generate(client) for _ in range(10)))
            return sorted(one.status_code for one in answers)

        async def counting() -> list[int] | None:
            found = await told()
            return found if 202 in found else None

        found = await until(counting, "Redis to be seen again")
        assert found.count(202) == 1
        assert set(found) <= {202, 429, 503}
