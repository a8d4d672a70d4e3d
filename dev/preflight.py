"""Whether the servers a developer named can be reached, before anything relies on them.

Each refusal is one sentence that begins with the variable, and never shows a password.
"""

import errno
import json
import socket
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import asyncpg
import redis

from dev.clients import postgres_version, redis_version
from dev.console import CommandError

WITHIN_S = 5
OLDEST_POSTGRES = 15
OLDEST_REDIS = 7
OPENROUTER = "https://openrouter.ai/api/v1"


def postgres(variable: str, url: str) -> None:
    where = _where(variable, url, ("postgresql", "postgres"), 5432)

    try:
        major = postgres_version(url, timeout_s=WITHIN_S)
    except asyncpg.PostgresError as refusal:
        raise CommandError(f"{variable}: the Postgres at {where} refuses: {refusal}.") from None
    except (OSError, TimeoutError, asyncpg.InterfaceError, ValueError) as error:
        raise CommandError(
            f"{variable}: cannot reach the Postgres at {where} ({_reason(error)})."
        ) from None
    if major < OLDEST_POSTGRES:
        raise CommandError(
            f"{variable}: Postgres {OLDEST_POSTGRES} or newer is needed; {where} is {major}."
        )


def key_value(variable: str, url: str) -> None:
    where = _where(variable, url, ("redis", "rediss"), 6379)
    try:
        major = redis_version(url, timeout_s=WITHIN_S)
    except (redis.AuthenticationError, redis.ResponseError) as refusal:
        raise CommandError(f"{variable}: the Redis at {where} refuses: {refusal}.") from None
    except (redis.RedisError, OSError, ValueError) as error:
        raise CommandError(
            f"{variable}: cannot reach the Redis at {where} ({_reason(error)})."
        ) from None
    if major < OLDEST_REDIS:
        raise CommandError(
            f"{variable}: Redis {OLDEST_REDIS} or Valkey 8 or newer is needed; {where} is older."
        )


def openrouter(values: dict[str, str]) -> None:
    """Ask OpenRouter about the key, which costs nothing."""
    base = values.get("OPENROUTER_BASE_URL", OPENROUTER).rstrip("/")
    address_from = (
        "OPENROUTER_BASE_URL" if "OPENROUTER_BASE_URL" in values else "OPENROUTER_API_KEY"
    )
    where = _where(address_from, base, ("http", "https"), 443)
    key = values["OPENROUTER_API_KEY"]
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CommandError("OPENROUTER_API_KEY: has characters that no key has.")
    question = urllib.request.Request(f"{base}/key", headers={"Authorization": f"Bearer {key}"})
    try:
        urllib.request.urlopen(question, timeout=WITHIN_S).close()
    except urllib.error.HTTPError as answer:
        if answer.code in (401, 403):
            raise CommandError(
                f"OPENROUTER_API_KEY: {where} refuses it ({_detail(answer)}); "
                "without the variable the stand-in model answers."
            ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CommandError(
            f"{address_from}: cannot reach {where} ({_reason(reason)}); without "
            "OPENROUTER_API_KEY the stand-in model answers."
        ) from None


def _where(variable: str, url: str, schemes: tuple[str, ...], usual_port: int) -> str:
    """host:port of an address, after looking whether it is one."""
    wanted = f"{schemes[0]}://host:port/…"
    try:
        parts = urlsplit(url)
        port = parts.port or usual_port
    except ValueError:
        raise CommandError(f"{variable}: is not an address like {wanted}.") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise CommandError(f"{variable}: is not an address like {wanted}.")
    return f"{parts.hostname}:{port}"


def _reason(error: object) -> str:
    """The system's words for a connection that did not come about."""
    for cause in (error, getattr(error, "__cause__", None), getattr(error, "__context__", None)):
        if isinstance(cause, ConnectionRefusedError):
            return "connection refused"
        if isinstance(cause, socket.gaierror):
            return "no such host"
        if isinstance(cause, TimeoutError):
            return f"no answer within {WITHIN_S} s"
        if isinstance(cause, OSError) and cause.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
            return "no way to that host"
    text = str(error).strip().rstrip(".")
    if f"[Errno {errno.ECONNREFUSED}]" in text or "Error 111 " in text:
        return "connection refused"
    return (text.splitlines() or [type(error).__name__])[0][:200]


def _detail(answer: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(answer.read(10_000))["error"]["message"])[:100]
    except (ValueError, KeyError, TypeError, OSError):
        return str(answer.code)
