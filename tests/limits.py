"""Time for tests of limits: what was done is made to lie further back."""

import struct
from typing import Any


async def age(redis: Any, seconds: float, policy: str = "generate", subject: str = "*") -> None:
    """Let what was done under a policy lie so much further back."""
    for key in await redis.keys(f"limit:{policy}:{subject}"):
        entries: bytes = await redis.get(key)
        aged = b"".join(
            struct.pack(">d", moment - seconds * 1_000_000) + name
            for moment, name in struct.iter_unpack(">d8s", entries)
        )
        await redis.set(key, aged, keepttl=True)
