"""Redis clients that wait seconds for a busy server, and report at once that it is gone."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECTIONS = 200
"""Every client that follows a running generation blocks one."""

LIMITER_CONNECTIONS = 16
"""Each is used for a single round trip at a time."""

TIMEOUT_S = 5
LIMITER_TIMEOUT_S = 1
"""Every request waits for the limiter, so a Redis that hangs must not delay them for long."""


def open_redis(url: str) -> Redis:
    """A client that fails within seconds and never retries."""
    return _open(url, CONNECTIONS, TIMEOUT_S)


def open_redis_for_limits(url: str) -> Redis:
    """A client that fails within a second."""
    return _open(url, LIMITER_CONNECTIONS, LIMITER_TIMEOUT_S)


def _open(url: str, connections: int, timeout_s: float) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout_s,
        socket_connect_timeout=1,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return Redis.from_pool(pool)
