"""Anomalies: many identities on one network, one identity on many networks, bursts of refusals.

The limiter's script detects them while it counts. Each marks its subject as suspicious for an
hour, and a job stores it.
"""

from redis.asyncio import Redis

from domain.caller import Caller

THRESHOLDS = {
    "IDENTITIES": 25,
    "NETWORKS": 8,
    "REFUSALS_OF_ONE": 10,
    "REFUSALS_OF_NETWORK": 30,
    "LOOK_BACK_S": 600,
    "SUSPICIOUS_S": 3_600,
    "ANOMALIES_AT_MOST": 10_000,
    "COUNTS_KEPT_S": 2 * 86_400,
}
"""How many within `LOOK_BACK_S` are an anomaly, how long its subject stays suspicious, and how much
Redis stores while the job does not run."""


class Anomalies:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def suspicious(self, caller: Caller) -> bool:
        """Whether the caller or their network had an anomaly within the last hour.

        Raises:
            redis.RedisError: Redis is away.
        """
        subjects = [f"suspicious:{name}" for name in (caller.id, caller.network) if name]
        return bool(subjects) and bool(await self._redis.exists(*subjects))

    async def forgive(self, caller: Caller) -> None:
        """Clear the suspicion against this caller, but not against their network."""
        await self._redis.delete(f"suspicious:{caller.id}")
