"""What the limiter, the ledger and the idempotency key add to asking for a factoid.

The product is served with and without each. It has no switch for that: here, its service is made
with a limiter that counts nothing and a ledger that holds nothing.

granian --interface asgi --factory bench.guards:guarded
"""

import asyncio
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Litestar

from api.app import create_app
from api.visitor_cookie import VisitorTokens
from bench.load import Measured, load
from bench.operations import COOKIE, Ask
from bench.processes import Server
from dev.console import CommandError
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.limits.states import PolicyState
from domain.services import Services
from domain.spending.budget import Budget, BudgetLimits

ROUNDS, SECONDS, CONNECTIONS = 7, 1.0, 4
ASKED = b'{"topic":"octopuses","model":"bench/model"}'

MODEL = """
INSERT INTO language_models (id, name, prompt_usd, completion_usd, request_usd, parameters,
  fetched_at) VALUES ('bench/model', 'Bench', 1e-8, 1e-8, 0, '{}', now())
"""


class CountsNothing(RateLimiter):
    async def hit(self, policy: str, caller: Any, *, member: str | None = None) -> PolicyState:
        return PolicyState(self.policies.of(policy, caller), ())


class HoldsNothing(Budget):
    async def reserve(
        self, session: Any, caller: Any, request_id: UUID, usd: Any, *, paid: bool = False
    ) -> None:
        return


def guarded() -> Litestar:
    """The product's API with the guards named in `GUARDS` alone."""
    app, kept = create_app(), os.environ["GUARDS"].split(",")

    def strip() -> None:
        services: Services = app.state.services
        if "limiter" not in kept:
            services.limiter = CountsNothing(services.redis, Policies(services.settings))
        if "ledger" not in kept:
            services.budget = HoldsNothing(BudgetLimits.of(services.settings))

    app.on_startup.append(strip)
    return app


@dataclass(frozen=True)
class Guarded:
    """A server that has some of the guards, and whether it is asked with a key."""

    server: Server
    keyed: bool = False


@dataclass(frozen=True)
class Took:
    """Milliseconds, medians over the rounds."""

    p50: float
    p99: float


def add_model(url: str) -> None:
    """The one model that is asked for."""

    async def add() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(MODEL)
        finally:
            await connection.close()

    asyncio.run(add())


def race(servers: dict[str, Guarded], secret: str) -> dict[str, Took]:
    """New visitors ask each in its turn, on a few connections.

    Raises:
        CommandError: A request failed; then its figures would mean nothing.
    """
    asks = {
        name: _asks(one.keyed, secret, seed) for seed, (name, one) in enumerate(servers.items())
    }
    laps: dict[str, list[Measured]] = {name: [] for name in servers}
    for lap in range(ROUNDS + 1):
        for name, one in servers.items():
            seen = load(one.server.port, asks[name], connections=CONNECTIONS, seconds=SECONDS)
            if seen.failed:
                raise CommandError(f"{seen.failed} of {seen.count} requests to {name} failed.")
            if lap:  # The first one warms everything up.
                laps[name].append(seen)
    return {
        name: Took(median(lap.p50_ms for lap in seen), median(lap.p99_ms for lap in seen))
        for name, seen in laps.items()
    }


def _asks(keyed: bool, secret: str, seed: int) -> Iterator[bytes]:
    chance, tokens = random.Random(seed), VisitorTokens(secret)
    while True:
        visitor = UUID(int=chance.getrandbits(128), version=4)
        cookie = f"{COOKIE}={tokens.write(visitor)}"
        key = str(visitor) if keyed else ""
        yield Ask("POST", "/api/factoids/generate", ASKED, cookie, key).raw()
