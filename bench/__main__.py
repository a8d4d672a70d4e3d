"""`python -m bench`: load factoids, start the servers, race them, print one table."""

import argparse
import asyncio
import os
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path

from bench import chat, first_token, guards, limits, operations, places, read_pool, seed
from bench.operations import OPERATIONS, Asks, Client
from bench.processes import API, Server, serving, split_cores
from bench.race import Runner, race
from bench.report import Report
from bench.statements import COUNTED, executed, is_control, tapped
from dev.console import CommandError, echo, fail, step
from dev.lockfile import locked
from dev.pdeathsig import end_with_parent
from dev.shutdown import graceful
from dev.state import StateFile

ROUNDS = {"feed": 7, "one": 5, "search": 5, "vote": 5}
UNLIMITED = ["--factory", "bench.limits:unlimited"]
LOGS = places.STATE / "log"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--factoids", type=int, default=200_000)
    parser.add_argument("--fewer", type=int, default=10_000)
    sizes = parser.parse_args()
    if "MAKELEVEL" in os.environ:
        end_with_parent()
    try:
        with locked(places.STATE) as memory, graceful():
            report = bench(memory, Report(sizes.factoids, sizes.fewer))
    except CommandError as problem:
        return fail(problem)
    except KeyboardInterrupt:
        return 130
    echo(str(report))
    return 0


def bench(memory: StateFile, report: Report) -> Report:
    for_servers, for_others = split_cores()
    if for_others:
        os.sched_setaffinity(0, for_others)
    secret = secrets.token_urlsafe(32)
    with ExitStack() as stack:
        postgres, redis = stack.enter_context(places.servers())
        with step("Creating databases"):
            small, large = stack.enter_context(places.databases(postgres, memory, "small", "large"))
            redis = stack.enter_context(places.empty_redis(redis))
        for url, count in ((small, report.fewer), (large, report.factoids)):
            with step(f"Loading {count:,} factoids"):
                asyncio.run(seed.load(url, count))

        def api(url: str, name: str) -> Server:
            values = production(url, redis, secret)
            return stack.enter_context(serving(name, API, values, log(name), cores=for_servers))

        with step("Starting the servers"):
            product, smaller = api(large, "product"), api(small, "smaller")
            values = production(large, redis, secret)
            unlimited = stack.enter_context(
                serving("unlimited", UNLIMITED, values, log("unlimited"), cores=for_servers)
            )
            bare_app = ["bench.bare_asgi:app"]
            bare = stack.enter_context(
                serving("bare", bare_app, values, log("bare"), cores=for_servers)
            )
        with step("Following the feed to its end"):
            ground = operations.walk(product.port)
            asked, of_static, of_bare = operations.asks(ground, secret)
            of_smaller, _, _ = operations.asks(operations.walk(smaller.port), secret)
            report.sizes = operations.sizes(product.port, asked)
        static_app, bodies = (
            ["bench.bare_litestar:app"],
            ",".join(f"{name}={size}" for name, size in report.sizes.items()),
        )
        static = stack.enter_context(
            serving("static", static_app, {"BODY_SIZES": bodies}, log("static"), cores=for_servers)
        )
        report.notes += different(product, bare, asked, of_bare)
        with step("Counting statements"):
            count_statements(report, large, redis, secret, asked, for_servers)
        for name in OPERATIONS:
            runners = {
                "product": Runner(product, operations.endless(asked[name])),
                "static": Runner(static, operations.endless(of_static[name])),
                "bare": Runner(bare, operations.endless(of_bare[name])),
            }
            if name == "feed":
                runners["smaller"] = Runner(smaller, operations.endless(of_smaller[name]))
                runners["unlimited"] = Runner(unlimited, operations.endless(asked[name]))
            places.pin_backends(large, for_others)
            places.pin_backends(small, for_others)
            with step(f"Racing: {name}"):
                report.races[name] = race(runners, rounds=ROUNDS[name])
        with step("Deciding about limits"):
            report.decisions = limits.decide(redis)
        with step("Reading through both pools"):
            report.pools = read_pool.compare(large)
        with step("Asking for factoids with and without guards"):
            report.guards = guarded(small, redis, secret, for_servers, for_others)
        with step(f"Watching {first_token.GENERATIONS} factoids being written"):
            values = {**production(large, redis, secret), "ENVIRONMENT": "test"}
            report.first_tokens = asyncio.run(
                first_token.measure(product.port, secret, values, log("worker"), for_others)
            )
        with step(f"Chatting, alone and beside {chat.STREAMS} others"):
            values = production(large, redis, secret)
            report.chats = asyncio.run(chat.measure(secret, values, LOGS, for_servers | for_others))
    return report


def production(url: str, redis: str, secret: str) -> dict[str, str]:
    """The environment of a process as it runs in production, on this run's databases."""
    nothing = dict.fromkeys(("API_URL", "DEBUG", "REFLEX_REDIS_URL", "STANDIN_MODEL"), "")
    return nothing | {
        "ENVIRONMENT": "production",
        "LOG_LEVEL": "INFO",
        "DATABASE_URL": url,
        "REDIS_URL": redis,
        "SECRET_KEY": secret,
        "PUBLIC_URL": "https://factoids.example",
        "OPENROUTER_API_KEY": "",
        "OPENROUTER_BASE_URL": "",
        "READ_POOL_SIZE": "8",
        "GENERATE_LIMITS": "100000/60",
        "CHAT_LIMITS": "100000/60",
        "BUDGET_USD": "3000",
        "BUDGET_VISITORS_USD": "1000",
        "BUDGET_VISITOR_USD": "1000",
        "VOTE_LIMITS": "1000000/60",
        "NETWORK_VOTE_LIMITS": "1000000/60",
        "READ_LIMITS": "1000000/60",
        "FACTOID_SCHEDULE": "0 0 1 1 *",
    }


def guarded(
    url: str, redis: str, secret: str, for_servers: set[int], for_others: set[int]
) -> dict[str, guards.Took]:
    guards.add_model(url)
    with ExitStack() as stack:

        def having(*kept: str) -> Server:
            values = production(url, redis, secret) | {"GUARDS": ",".join(kept)}
            app = ["--factory", "bench.guards:guarded"]
            name = "-".join(["with", *kept])
            return stack.enter_context(serving(name, app, values, log(name), cores=for_servers))

        bare, full = having(), having("limiter", "ledger")
        servers = {
            "bare": guards.Guarded(bare),
            "limiter": guards.Guarded(having("limiter")),
            "ledger": guards.Guarded(having("ledger")),
            "idempotency key": guards.Guarded(bare, keyed=True),
            "all three": guards.Guarded(full, keyed=True),
        }
        places.pin_backends(url, for_others)
        return guards.race(servers, secret)


def log(name: str) -> Path:
    return LOGS / f"{name}.log"


def different(product: Server, bare: Server, asked: Asks, of_bare: Asks) -> list[str]:
    return [
        f"(b) answers {name} otherwise than the product, so its ratio says little."
        for name in operations.differing(product.port, bare.port, asked, of_bare)
    ]


def count_statements(
    report: Report, url: str, redis: str, secret: str, asked: Asks, cores: set[int]
) -> None:
    with tapped(url) as (through, tap):
        values = production(through, redis, secret)
        with serving("counted", API, values, log("counted"), cores=cores) as counted:
            Client(counted.port).read("/api/factoids")
            for name in OPERATIONS:
                ran = executed(tap, counted.port, asked[name])
                control = sum(map(is_control, ran))
                report.statements[name] = ((len(ran) - control) / COUNTED, control / COUNTED)


if __name__ == "__main__":
    sys.exit(main())
