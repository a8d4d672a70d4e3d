"""The connection to Redis, patient with a busy server and quick to say that it is gone."""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

CONNECTIONS = 200
"""Every follower of a running generation waits on one."""


def open_redis(url: str) -> Redis:
    """A client that fails within seconds instead of retrying for minutes."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=5,
        socket_connect_timeout=1,
        socket_timeout=5,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return Redis.from_pool(pool)
