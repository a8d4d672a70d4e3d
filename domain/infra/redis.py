"""The connection to Redis, patient with a busy server and quick to say that it is gone."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECTIONS = 200
"""Every follower of a running generation waits on one."""


CONNECTIONS_FOR_LIMITS = 16
"""Nobody holds one for longer than a moment."""

WITHIN_S = 5
LIMITS_WITHIN_S = 1
"""What every request waits on: a Redis that hangs must not hold them."""


def open_redis(url: str) -> Redis:
    """A client that fails within seconds instead of retrying for minutes."""
    return _open(url, CONNECTIONS, WITHIN_S)


def open_redis_for_limits(url: str) -> Redis:
    """A client that fails within a second."""
    return _open(url, CONNECTIONS_FOR_LIMITS, LIMITS_WITHIN_S)


def _open(url: str, connections: int, within_s: float) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=within_s,
        socket_connect_timeout=1,
        socket_timeout=within_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return Redis.from_pool(pool)
