"""The databases of a clone: real ones, which keep what they were given."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import asyncpg
import redis

from dev import ports
from dev.binaries import postgres_data
from dev.databases import Databases
from dev.processes import started_for, until
from dev.state import ROOT, StateFile

HOLD = """
import sys, time
from pathlib import Path
from dev.databases import Databases
Databases(Path(sys.argv[1])).start()
print("started", flush=True)
time.sleep(600)
"""


def test_data_survives_a_stop(state: Path, processes_of: Callable[[Path], list[str]]):
    with running(state) as addresses:
        write(addresses, "kept")
    assert processes_of(state) == []

    with running(state) as addresses:
        assert read(addresses) == ("kept", "kept")


def test_data_survives_killed_servers(state: Path):
    with running(state) as addresses:
        write(addresses, "kept")
        servers = started_for(state)
        assert len(servers) == 2
        for server in servers:
            server.kill()

    with running(state) as addresses:
        assert read(addresses) == ("kept", "kept")


def test_a_killed_starter_leaves_nothing_that_hinders_the_next(state: Path):
    with running(state) as addresses:
        write(addresses, "kept")
    starter = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert starter.stdout
    assert starter.stdout.readline() == b"started\n"
    starter.kill()
    starter.wait()
    starter.stdout.close()

    with running(state) as addresses:
        assert read(addresses) == ("kept", "kept")


def test_a_stale_note_of_a_process_is_not_believed(state: Path):
    with running(state):
        pass
    note = postgres_data(state) / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{note.parent}\n")

    with running(state) as addresses:
        write(addresses, "new")
        assert read(addresses) == ("new", "new")


def test_taken_ports_are_left_to_their_owner(state: Path):
    with running(state) as before:
        write(before, "kept")
    memory = StateFile(state / "services.json")
    owners = listening(memory.get("postgres_port")), listening(memory.get("valkey_port"))
    with owners[0], owners[1], running(state) as after:
        assert read(after) == ("kept", "kept")
    assert not {*before.values()} & {*after.values()}


def test_secrets_are_for_their_owner_alone(state: Path):
    with running(state):
        assert (state / "services.json").stat().st_mode & 0o077 == 0
        assert postgres_data(state).stat().st_mode & 0o077 == 0
        assert (state / "valkey").stat().st_mode & 0o077 == 0


@contextmanager
def running(state: Path) -> Generator[dict[str, str]]:
    services = Databases(state)
    try:
        yield services.start()
    finally:
        services.stop()


@contextmanager
def listening(port: int) -> Generator[None]:
    with socket.create_server((ports.LOOPBACK, port)):
        yield


def write(addresses: dict[str, str], word: str) -> None:
    ask(addresses, "CREATE TABLE IF NOT EXISTS words (word text)")
    ask(addresses, f"INSERT INTO words VALUES ('{word}')")
    client = cast(Any, redis.Redis).from_url(addresses["REDIS_URL"])
    with client:
        client.set("word", word)
        # Appended to the file at once, written to disk by the second: a kill loses neither.
        assert until(
            lambda: client.info("persistence")["aof_last_write_status"] == "ok", within_s=5
        )


def read(addresses: dict[str, str]) -> tuple[str, str]:
    client = cast(Any, redis.Redis).from_url(addresses["REDIS_URL"], decode_responses=True)
    with client:
        return ask(addresses, "SELECT word FROM words"), client.get("word")


def ask(addresses: dict[str, str], query: str) -> Any:
    async def answer() -> Any:
        connection = await cast(Any, asyncpg).connect(addresses["DATABASE_URL"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(answer())
