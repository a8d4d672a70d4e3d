"""Redis clients that wait seconds for a busy server, and report at once that it is gone."""

from typing import Any

from redis.asyncio import BlockingConnectionPool, ConnectionPool, Redis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, MasterDownError, ReadOnlyError, ResponseError

CONNECTIONS = 200
"""Every client that follows a running generation blocks one."""

LIMITER_CONNECTIONS = 16
"""Each is used for a single round trip at a time."""

TIMEOUT_S = 5
LIMITER_TIMEOUT_S = 1
"""Every request waits for the limiter, so a Redis that hangs must not delay them for long."""


WRONG_SERVER = (ReadOnlyError, MasterDownError, BusyLoadingError)
"""Replies of a server that is not, or not yet, the one to ask. After a failover its name leads to
another one, but connections that stay open lead to it for ever.
"""


UNBLOCKED = "UNBLOCKED"
"""How a server that becomes a replica ends commands that wait."""


class _Checked(AbstractConnection):
    """A connection that remembers whether it leads to the wrong server."""

    is_wrong = False

    async def connect(self) -> None:
        self.is_wrong = self.is_wrong and self.is_connected
        await super().connect()

    async def read_response(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super().read_response(*arguments, **options)
        except (ResponseError, BusyLoadingError) as error:
            self.is_wrong = isinstance(error, WRONG_SERVER) or str(error).startswith(UNBLOCKED)
            raise


class _CheckedConnection(_Checked, Connection):
    pass


class _CheckedSSLConnection(_Checked, SSLConnection):
    pass


class _CheckedSocketConnection(_Checked, UnixDomainSocketConnection):
    pass


CHECKED: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _CheckedConnection,
    SSLConnection: _CheckedSSLConnection,
    UnixDomainSocketConnection: _CheckedSocketConnection,
}


class _FailoverPool(ConnectionPool):
    """A pool that connects anew, by name, once a connection led to the wrong server."""

    def __init__(self, connection_class: Any = Connection, **options: Any) -> None:
        super().__init__(connection_class=CHECKED[connection_class], **options)

    async def release(self, connection: AbstractConnection) -> None:
        wrong = isinstance(connection, _Checked) and connection.is_wrong
        if wrong:
            await connection.disconnect(nowait=True)
        await super().release(connection)
        if wrong:
            await self.disconnect(inuse_connections=False)


class _BlockingFailoverPool(_FailoverPool, BlockingConnectionPool):
    pass


def open_redis(url: str) -> Redis:
    """A client that fails within seconds and never retries."""
    return _open(url, CONNECTIONS, TIMEOUT_S)


def open_redis_for_limits(url: str) -> Redis:
    """A client that fails within a second."""
    return _open(url, LIMITER_CONNECTIONS, LIMITER_TIMEOUT_S)


def open_redis_for_queue(url: str) -> Redis:
    """A client whose commands may wait for a job as long as they want to."""
    return Redis.from_pool(_FailoverPool.from_url(url))


def _open(url: str, connections: int, timeout_s: float) -> Redis:
    pool = _BlockingFailoverPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout_s,
        socket_connect_timeout=1,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=30,
    )
    return Redis.from_pool(pool)
