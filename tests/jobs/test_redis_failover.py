"""A Redis that fails over, is full or takes no writes: API and worker heal by themselves."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.domain.test_limits_without_redis import OwnRedis
from tests.processes import RunningAPI, running_api, running_worker, until


class Name:
    """An address that leads to one server at a time. Connections that are open stay where they
    are, as they do behind a host's name or a proxy.
    """

    def __init__(self, server: OwnRedis) -> None:
        self.server = server
        self._piping: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[str]:
        listener = await asyncio.start_server(self._join, "127.0.0.1", 0)
        try:
            yield f"redis://127.0.0.1:{listener.sockets[0].getsockname()[1]}/0"
        finally:
            listener.close()
            for task in self._piping:
                task.cancel()
            await asyncio.gather(*self._piping, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self.server.port)
        for source, target in ((reader, to_server), (from_server, writer)):
            task = asyncio.create_task(self._pipe(source, target))
            self._piping.add(task)
            task.add_done_callback(self._piping.discard)

    @staticmethod
    async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncGenerator[list[OwnRedis]]:
    started = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        started.append(OwnRedis(folder))
        await started[-1].start()
    yield started
    for server in started:
        await server.kill()


async def state_of_redis(api: RunningAPI) -> str:
    async with api.client() as client:
        answer = await client.get("/health/ready")
    errors = answer.json().get("errors", []) if answer.status_code == 503 else []
    return next((error["detail"] for error in errors if error["pointer"] == "redis"), "ok")


async def until_redis_is(api: RunningAPI, state: str) -> None:
    async def is_so() -> bool:
        return await state_of_redis(api) == state

    await until(is_so, f"Redis to be {state}")


async def test_a_failover_is_followed_by_every_connection(
    servers: list[OwnRedis], generation_harness, standin, database, model
):
    old, new = servers
    name = Name(old)
    async with (
        name.listening() as url,
        running_worker(REDIS_URL=url, OPENROUTER_BASE_URL=standin.base_url) as worker,
        running_api(REDIS_URL=url) as api,
        api.client() as client,
        Redis.from_url(old.url) as control,
    ):
        before = await client.post("/api/factoids/generate", json={"topic": "honey"})
        await generation_harness.ended(before.json()["id"])
        await control.execute_command("REPLICAOF", "127.0.0.1", str(new.port))
        await until_redis_is(api, "read-only")
        name.server = new
        await until_redis_is(api, "ok")

        async def accepted() -> str | None:
            after = await client.post("/api/factoids/generate", json={"topic": "bees"})
            assert after.status_code == 202 or after.headers["Retry-After"]
            return after.json().get("id")

        (request,) = await generation_harness.ended(await until(accepted, "a request to be taken"))
        assert request.status == "succeeded"
        assert worker.log.count("queue_unavailable") <= 1


async def test_a_full_redis_is_named_and_healed(servers: list[OwnRedis], database, model):
    server = servers[0]
    async with running_api(REDIS_URL=server.url) as api, Redis.from_url(server.url) as control:
        await until_redis_is(api, "ok")
        await control.config_set("maxmemory", "1")
        await until_redis_is(api, "full")
        await control.config_set("maxmemory", "0")
        await until_redis_is(api, "ok")


async def test_a_worker_without_a_redis_that_can_be_written_to_waits_and_goes_on(
    servers: list[OwnRedis], generation_harness, standin, database, model
):
    old, new = servers
    async with (
        running_worker(REDIS_URL=old.url, OPENROUTER_BASE_URL=standin.base_url) as worker,
        Redis.from_url(old.url) as control,
    ):
        await control.execute_command("REPLICAOF", "127.0.0.1", str(new.port))

        async def noticed() -> bool:
            return "queue_unavailable" in worker.log

        await until(noticed, "the worker to notice")
        asked = await generation_harness.ask("honey")
        commands = (await control.info("stats"))["total_commands_processed"]

        async def waits() -> bool:
            processed = (await control.info("stats"))["total_commands_processed"]
            return "relay_delayed" in worker.log and processed - commands < 1_000

        await until(waits, "the relay to notice")
        await control.execute_command("REPLICAOF", "NO", "ONE")
        (request,) = await generation_harness.ended(asked)
        assert request.status == "succeeded"
        assert worker.log.count("queue_unavailable") == 1
