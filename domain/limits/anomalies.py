"""What looks strange about callers; the limiter's script notices it as it counts.

Many identities on one network, one identity on many networks, bursts of refusals. Each makes
its subject suspicious for a while and is written down by a job.
"""

from redis.asyncio import Redis

from domain.caller import Caller

STRANGE = {
    "IDENTITIES": 25,
    "NETWORKS": 8,
    "REFUSALS_OF_ONE": 10,
    "REFUSALS_OF_NETWORK": 30,
    "LOOK_BACK_S": 600,
    "SUSPICIOUS_S": 3_600,
    "ANOMALIES_AT_MOST": 10_000,
    "COUNTS_KEPT_S": 2 * 86_400,
}
"""From how many on within `LOOK_BACK_S` it is strange, for how long its subject stays suspicious,
and what Redis holds at most for a job that does not come."""


class Anomalies:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def suspicious(self, caller: Caller) -> bool:
        """Whether the caller, or their network, has been strange within the hour.

        Raises:
            redis.RedisError: It cannot be known.
        """
        subjects = [f"suspicious:{one}" for one in (caller.id, caller.network) if one]
        return bool(subjects) and bool(await self._redis.exists(*subjects))

    async def forgive(self, caller: Caller) -> None:
        """Forget what was strange about this caller, but not about their network."""
        await self._redis.delete(f"suspicious:{caller.id}")
