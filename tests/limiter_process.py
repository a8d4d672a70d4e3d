"""One of several processes that use up a limit: `python -m tests.limiter_process 10/60 125`.

For each line of its input, which is the id of a caller, it makes that many uses at once and prints
how many were admitted.
"""

import asyncio
import sys
from contextlib import suppress
from uuid import UUID

from redis.exceptions import RedisError

from domain.caller import Caller
from domain.errors import RateLimited
from domain.infra.redis import open_redis
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from settings import Settings
from tests.configuration import settings


async def hit(limiter: RateLimiter, caller: Caller) -> bool:
    try:
        await limiter.hit("generate", caller)
    except RateLimited:
        return False
    return True


async def main(limits: str, number: int) -> None:
    # Patient, unlike the product's limits: on a busy machine none of these may be given up.
    redis = open_redis(settings.redis_url)
    limiter = RateLimiter(redis, Policies(Settings(generate_limits=limits)))
    while True:
        with suppress(RedisError):
            await asyncio.gather(*(redis.execute_command("PING") for _ in range(20)))
            break
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        caller = Caller("visitor", UUID(line.strip()), f"network of {line.strip()}")
        print(sum(await asyncio.gather(*(hit(limiter, caller) for _ in range(number)))), flush=True)
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
