"""One question to each kind of server. The libraries' types are loose; here they end."""

import asyncio
from typing import Any, cast

import asyncpg
import redis


def postgres_version(url: str, *, timeout_s: float) -> int:
    """The server's major version, after signing in."""

    async def ask() -> int:
        connection = await cast(Any, asyncpg).connect(url, timeout=timeout_s)
        try:
            return int(connection.get_server_version().major)
        finally:
            await connection.close()

    return asyncio.run(ask())


def redis_version(url: str, *, timeout_s: float) -> int:
    """The Redis major version the server is, or (Valkey) is compatible with."""
    client = cast(Any, redis.Redis).from_url(
        url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s
    )
    with client:
        return int(str(client.info("server")["redis_version"]).partition(".")[0])
