"""Where a run takes place: databases of its own on the servers given, gone when it ends."""

import asyncio
import os
import secrets
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import redis

from dev.console import CommandError
from dev.databases import Databases
from dev.environment import declared, for_children
from dev.state import ROOT, StateFile

STATE = ROOT / ".dev" / "bench"
NUMBERED_DATABASES = 16
FORGOTTEN = "DROP DATABASE IF EXISTS {} WITH (FORCE)"


@contextmanager
def servers() -> Generator[tuple[str, str]]:
    """The addresses of Postgres and Redis: those set, else real ones started for the run."""
    values = declared()
    services = Databases(
        STATE, postgres="DATABASE_URL" not in values, valkey="REDIS_URL" not in values
    )
    try:
        values |= services.start()
        yield values["DATABASE_URL"], values["REDIS_URL"]
    finally:
        services.stop()


@contextmanager
def databases(server: str, memory: StateFile, *labels: str) -> Generator[list[str]]:
    """Empty databases at the newest migration, by address; what a killed run left goes too."""
    server = f"postgresql://{server.partition('://')[2]}"
    names = [f"factoids_bench_{label}_{secrets.token_hex(4)}" for label in labels]
    left: list[str] = memory.get("databases") or []
    memory.put(databases=names)
    try:
        asyncio.run(_run(server, *map(FORGOTTEN.format, left)))
        asyncio.run(_run(server, *(f"CREATE DATABASE {name}" for name in names)))
        urls = [urlunsplit(urlsplit(server)._replace(path=f"/{name}")) for name in names]
        for url in urls:
            migrate(url)
        yield urls
    finally:
        asyncio.run(_run(server, *map(FORGOTTEN.format, names)))
        memory.put(databases=[])


def migrate(url: str) -> None:
    tool = [sys.executable, "-m", "advanced_alchemy", "--config", "db.migrations.config.alembic"]
    subprocess.run(
        [*tool, "upgrade", "--no-prompt"],
        cwd=ROOT,
        env={**for_children(dict(os.environ)), "ENVIRONMENT": "test", "DATABASE_URL": url},
        check=True,
        capture_output=True,
    )


@contextmanager
def empty_redis(server: str) -> Generator[str]:
    """The address of an empty numbered database of the server, emptied again afterwards.

    Raises:
        CommandError: None of them is empty.
    """
    for number in reversed(range(NUMBERED_DATABASES)):
        url = urlunsplit(urlsplit(server)._replace(path=f"/{number}"))
        with redis.Redis.from_url(url) as client:
            try:
                if client.dbsize():
                    continue
            except redis.ResponseError:
                continue
            try:
                yield url
            finally:
                client.flushdb()
            return
    raise CommandError("REDIS_URL: no numbered database of it is empty, and none may be touched.")


async def _run(server: str, *statements: str) -> None:
    connection = await asyncpg.connect(server)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def pin_backends(url: str, cores: set[int]) -> None:
    """Keep the sessions of a local Postgres away from the servers' core, where we may."""
    if not hasattr(os, "sched_setaffinity"):
        return
    name = urlsplit(url).path[1:]
    for pid in asyncio.run(_backends(url, name)):
        try:
            if name.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.sched_setaffinity(pid, cores)
        except OSError:
            return


async def _backends(url: str, name: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE datname = $1", name)
        return [row[0] for row in rows]
    finally:
        await connection.close()
