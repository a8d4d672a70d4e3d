"""A real Postgres and a real Redis for every test, emptied before each."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

ROOT = Path(__file__).parent.parent
SERVER = os.environ.get("TEST_DATABASE_URL", "postgresql://root@127.0.0.1:5432/postgres")
DATABASE = f"factoids_test_{os.getpid()}"
TABLES = [
    *("outbox", "idempotency_keys"),
    *("chat_sessions",),
    *("generation_requests", "language_models", "votes", "factoids"),
    *("rate_limit_snapshots", "anomalies", "fallback_uses"),
    *("budget_alerts", "budget_reservations", "budget_pots"),
    *("api_keys", "signed_out"),
    *("checkouts", "stripe_events"),
    *("credit_holds", "credit_grants"),
]
"""All that tests fill; what hangs on their rows goes with them."""

# Settings are read when the first module of ours is imported: they are given before.
os.environ |= {
    "ENVIRONMENT": "test",
    "DATABASE_URL": urlunsplit(urlsplit(SERVER)._replace(path=f"/{DATABASE}")),
    "REDIS_URL": os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/9"),
    "OPENROUTER_API_KEY": "test-key",
    "OPENROUTER_BASE_URL": "http://127.0.0.1:9/api/v1",
    "PUBLIC_URL": "http://factoids.test",
    "GENERATE_LIMITS": "1000/60",
    "VOTE_LIMITS": "100000/60",
    "NETWORK_VOTE_LIMITS": "100000/60",
    "READ_LIMITS": "100000/60",
    "BUDGET_USD": "5000",
    "BUDGET_VISITORS_USD": "2000",
    "BUDGET_KEYS_USD": "1000",
    "BUDGET_SCHEDULED_USD": "1000",
    "BUDGET_PAID_USD": "1000",
    "BUDGET_VISITOR_USD": "1000",
    "BUDGET_KEY_USD": "1000",
    "BUDGET_BUYER_USD": "1000",
    "FACTOID_SCHEDULE": "0 0 1 1 *",
    "LOG_LEVEL": "WARNING",
    # asyncpg leaves an exception behind when it is cancelled while it negotiates TLS.
    "PGSSLMODE": "disable",
    # Several processes share a server that has a hundred connections.
    "READ_POOL_SIZE": "4",
}
for name in (
    "API_URL",
    "REFLEX_REDIS_URL",
    "STANDIN_MODEL",
    "SECRET_KEY",
    "DEBUG",
    "PORT",
    *("SMTP_URL", "SLACK_WEBHOOK_URL", "POSTHOG_API_KEY"),
    *("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_URL"),
):
    os.environ.pop(name, None)
os.environ.pop("SECRET_KEY_PREVIOUS", None)

import asyncpg
import httpx
import pytest
from litestar import Litestar
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from db.session import Database, open_database
from domain.infra.redis import open_redis
from settings import settings
from tests.factories import Factories


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def empty_database() -> None:
    """A database of this run, at the newest migration; dropped by `pytest_sessionfinish`."""
    asyncio.run(_run_sql(f'CREATE DATABASE "{DATABASE}"'))
    migrate("upgrade", "--no-prompt")


def migrate(*command: str) -> None:
    """Run a command of the migration tool on the test database."""
    tool = [sys.executable, "-m", "advanced_alchemy", "--config", "db.session.migrations"]
    subprocess.run([*tool, *command], cwd=ROOT, check=True, capture_output=True)


def pytest_sessionfinish() -> None:
    asyncio.run(_run_sql(f'DROP DATABASE IF EXISTS "{DATABASE}" WITH (FORCE)'))


async def _run_sql(statement: str) -> None:
    connection = await asyncpg.connect(SERVER)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def open_connections(empty_database: None) -> AsyncGenerator[tuple[Database, Redis]]:
    database, redis = await open_database(settings), open_redis(settings.redis_url)
    yield database, redis
    await redis.aclose()
    await database.close()


AS_LOCKED = (
    "chat_turns, chat_sessions, chat_messages, chat_calls,"
    " stripe_events, checkouts, payment_entries,"
    " generation_requests, factoids, tallies, votes, feedback, model_calls, outbox,"
    " credit_holds, credit_grants, credit_entries,"
    " budget_reservations, budget_pots, ledger_entries, budget_alerts"
)
EMPTY_LEDGER = """
SET LOCAL session_replication_role = replica;
DELETE FROM ledger_entries;
DELETE FROM credit_entries;
DELETE FROM payment_entries;
SET LOCAL session_replication_role = origin;
"""
"""What no one else may do: its triggers do not fire."""


@pytest.fixture
async def database(open_connections: tuple[Database, Redis]) -> Database:
    """The test's database and Redis, both empty."""
    database, redis = open_connections
    await redis.flushdb()
    async with database.engine.begin() as connection:
        # A worker of the test before may still be writing: in the order it locks, it is waited for.
        await connection.exec_driver_sql(f"LOCK TABLE {AS_LOCKED} IN EXCLUSIVE MODE")
        # TRUNCATE makes new files for every table, a hundred times slower than this.
        deletions = " ".join(f"DELETE FROM {table};" for table in TABLES)
        await connection.exec_driver_sql(f"DO $$ BEGIN {EMPTY_LEDGER} {deletions} END $$")
    return database


@pytest.fixture
def redis(database: Database, open_connections: tuple[Database, Redis]) -> Redis:
    return open_connections[1]


@pytest.fixture
async def session(database: Database) -> AsyncGenerator[AsyncSession]:
    """A transaction that commits when the test ends."""
    async with database.sessions.begin() as session:
        yield session


@pytest.fixture
def make(database: Database) -> Factories:
    """Makes committed rows with sensible values."""
    return Factories(database.sessions)


@pytest.fixture(scope="session")
async def app(empty_database: None) -> AsyncGenerator[Litestar]:
    from api.app import create_app

    app = create_app()
    async with app.lifespan():
        yield app


@pytest.fixture
async def api(database: Database, app: Litestar) -> AsyncGenerator[httpx.AsyncClient]:
    """A visitor's client: it keeps the cookie it is given."""
    async with api_client(app) as client:
        yield client


def api_client(app: Litestar, address: str = "192.0.2.1") -> httpx.AsyncClient:
    """Another visitor's client, from an address."""
    transport = httpx.ASGITransport(app=app, client=(address, 1), raise_app_exceptions=False)  # pyright: ignore[reportArgumentType]
    return httpx.AsyncClient(transport=transport, base_url="http://factoids.test")


def unique() -> str:
    """A word nobody else uses."""
    return uuid4().hex[:12]
