"""Time for tests of limits: what was done is made to lie further back."""

import struct
from typing import Any

from domain.limits import limit_stats

MINUTE = "limits:minute:"


async def age(redis: Any, seconds: float, policy: str = "generate", subject: str = "*") -> None:
    """Let what was done under a policy lie so much further back."""
    for key in await redis.keys(f"limit:{policy}:{subject}"):
        entries: bytes = await redis.get(key)
        aged = b"".join(
            struct.pack(">d12s", moment - seconds * 1_000_000, use)
            for moment, use in struct.iter_unpack(">d12s", entries[:-4])
        )
        await redis.set(key, aged + entries[-4:], keepttl=True)


async def end_the_minute(redis: Any) -> None:
    """Let the counts so far be those of an hour ago."""
    for name in await redis.smembers(limit_stats.MINUTES):
        before = int(name) - 3_600
        await redis.rename(f"{MINUTE}{int(name)}", f"{MINUTE}{before}")
        await redis.srem(limit_stats.MINUTES, name)
        await redis.sadd(limit_stats.MINUTES, before)
