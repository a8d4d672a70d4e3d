"""Checks of what a developer has set, before anything is started.

Each refusal is one sentence that begins with the variable, and never shows a password.
"""

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import asyncpg
import redis

from dev import ports
from dev.console import CommandError
from settings import load
from settings.checks import WrongSetting

WITHIN_S = 5
OLDEST_POSTGRES = 15
OLDEST_REDIS = 7
OPENROUTER = "https://openrouter.ai/api/v1"


def check(values: dict[str, str]) -> None:
    """Check settings, port and servers.

    Raises:
        CommandError: Something cannot work; the sentence names the variable.
    """
    try:
        load(values)
    except WrongSetting as refusal:
        raise CommandError(str(refusal)) from None
    for name in ("DATABASE_URL", "REDIS_URL"):
        if name not in values and values.get("ENVIRONMENT") == "production":
            raise CommandError(f"{name}: must be set when ENVIRONMENT is production.")
    if "PORT" in values and ports.taken(int(values["PORT"])):
        raise CommandError(f"PORT: {values['PORT']} is taken; choose another, or leave it out.")
    if url := values.get("DATABASE_URL"):
        schemes = ("postgresql", "postgres")
        version = _version("DATABASE_URL", url, "Postgres", schemes, 5432, postgres_version)
        if version < OLDEST_POSTGRES:
            raise CommandError(
                f"DATABASE_URL: Postgres {OLDEST_POSTGRES} or newer is needed; this is {version}."
            )
    if url := values.get("REDIS_URL"):
        version = _version("REDIS_URL", url, "Redis", ("redis", "rediss"), 6379, redis_version)
        if version < OLDEST_REDIS:
            raise CommandError(
                f"REDIS_URL: Redis {OLDEST_REDIS} or Valkey 8 or newer is needed; this is older."
            )
    if "OPENROUTER_API_KEY" in values:
        check_openrouter(values)


def check_openrouter(values: dict[str, str]) -> None:
    """Ask OpenRouter about the key, which costs nothing."""
    base = values.get("OPENROUTER_BASE_URL", OPENROUTER).rstrip("/")
    variable = "OPENROUTER_BASE_URL" if "OPENROUTER_BASE_URL" in values else "OPENROUTER_API_KEY"
    parts, port = _address(variable, base, ("http", "https"), 443)
    key = values["OPENROUTER_API_KEY"]
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CommandError("OPENROUTER_API_KEY: has characters that no key has.")
    request = urllib.request.Request(f"{base}/key", headers={"Authorization": f"Bearer {key}"})
    try:
        urllib.request.urlopen(request, timeout=WITHIN_S).close()
    except urllib.error.HTTPError as response:
        if response.code in (401, 403):
            raise CommandError(
                f"OPENROUTER_API_KEY: {parts.hostname}:{port} refuses it ({_detail(response)}); "
                "without the variable the stand-in model answers."
            ) from None
    except (OSError, ValueError) as error:
        reason = _reason(getattr(error, "reason", error))
        raise CommandError(
            f"{variable}: cannot reach {parts.hostname}:{port} ({reason}); without "
            "OPENROUTER_API_KEY the stand-in model answers."
        ) from None


def postgres_version(url: str) -> int:
    """The server's major version, after signing in."""

    async def ask() -> int:
        connection = await cast(Any, asyncpg).connect(url, timeout=WITHIN_S)
        try:
            return int(connection.get_server_version().major)
        finally:
            await connection.close()

    return asyncio.run(ask())


def redis_version(url: str) -> int:
    """The Redis major version the server is, or (Valkey) is compatible with."""
    client = cast(Any, redis.Redis).from_url(
        url, socket_connect_timeout=WITHIN_S, socket_timeout=WITHIN_S
    )
    with client:
        return int(str(client.info("server")["redis_version"]).partition(".")[0])


def _version(
    variable: str,
    url: str,
    service: str,
    schemes: tuple[str, ...],
    default_port: int,
    ask: Callable[[str], int],
) -> int:
    """What the server at an address answers when it is asked for its version."""
    parts, port = _address(variable, url, schemes, default_port)
    server = f"the {service} at {parts.hostname}:{port}"
    try:
        return ask(url)
    except (asyncpg.PostgresError, redis.AuthenticationError, redis.ResponseError) as refusal:
        raise CommandError(f"{variable}: {server} refuses: {refusal}.") from None
    except (OSError, ValueError, asyncpg.InterfaceError, redis.RedisError) as error:
        reason = _reason(error)
        try:
            # The libraries wrap and reword the system's error.
            socket.create_connection((str(parts.hostname), port), timeout=WITHIN_S).close()
        except OSError as cause:
            reason = _reason(cause)
        raise CommandError(f"{variable}: cannot reach {server} ({reason}).") from None


def _address(
    variable: str, url: str, schemes: tuple[str, ...], default_port: int
) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or default_port
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme not in schemes or not parts.hostname:
        raise CommandError(f"{variable}: is not an address like {schemes[0]}://host:port/…")
    return parts, port


def _reason(error: object) -> str:
    """Why there is no connection, in a few words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, TimeoutError):
        return f"no answer within {WITHIN_S} s"
    text = getattr(error, "strerror", None) or str(error).strip().rstrip(".")
    return (text.splitlines() or [type(error).__name__])[0][:200]


def _detail(response: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(response.read(10_000))["error"]["message"])[:100]
    except (ValueError, KeyError, TypeError, OSError):
        return str(response.code)
