"""Requests for factoids, worked off against the stand-in; fixtures for whoever imports them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec import structs
from redis.asyncio import Redis
from sqlalchemy import text

from db.models import Factoid, GenerationRequest, LanguageModel, ModelCall
from db.repositories.budgets import BudgetRepository
from db.repositories.factoids import FactoidRepository
from db.repositories.generations import GenerationRepository
from db.session import Database
from domain.caller import Caller
from domain.generation import settlement
from domain.generation.input import GenerationInput
from domain.generation.requests import GenerationRequests
from domain.generation.service import GenerationService
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.llm import bills
from domain.llm.catalogue import CatalogueService
from domain.llm.openrouter import OpenRouter, Patience
from domain.spending.budget import Budget, BudgetLimits, Clock, utc_now
from settings import settings
from tests.factories import Factories
from tests.processes import until
from tests.standins.openrouter.running import RunningOpenRouter, running_openrouter

MODEL = "openai/gpt-4o-mini"
PATIENT = Patience(connect_s=10, silence_s=30, total_s=60)
IMPATIENT = Patience(connect_s=10, silence_s=0.5, total_s=60)
PATIENTLY = "SET LOCAL idle_in_transaction_session_timeout = 0"
"""For a transaction that a test holds open on purpose."""


@pytest.fixture(scope="session")
async def started_standin() -> AsyncGenerator[RunningOpenRouter]:
    async with running_openrouter() as standin:
        yield standin


@pytest.fixture
async def standin(started_standin: RunningOpenRouter) -> RunningOpenRouter:
    """The stand-in for OpenRouter, with an empty log and an empty queue of scenarios."""
    await started_standin.set_models("ok")
    await started_standin.reset()
    return started_standin


def requests_with(
    database: Database,
    redis: Redis,
    limits: BudgetLimits,
    clock: Clock = utc_now,
    generate_limits: str = settings.generate_limits,
) -> GenerationRequests:
    """Requests that draw on pots of these sizes."""
    policies = Policies(structs.replace(settings, generate_limits=generate_limits))
    limiter = RateLimiter(redis, policies)
    return GenerationRequests(
        database.sessions, CatalogueService(database.sessions), limiter, Budget(limits, clock)
    )


class Generating:
    """A worker's service in this process, and what can be seen of its requests."""

    def __init__(
        self, database: Database, redis: Redis, standin: RunningOpenRouter, patience: Patience
    ) -> None:
        self.database = database
        self.openrouter = OpenRouter(
            base_url=standin.base_url,
            api_key="test-key",
            site_url="http://factoids.test",
            patience=patience,
        )
        limiter = RateLimiter(redis, Policies(settings))
        self.service = GenerationService(database.sessions, self.openrouter, redis, limiter)
        self.requests = requests_with(database, redis, BudgetLimits.of(settings))
        self._standin = standin

    async def ask(self, topic: str | None = None, model: str | None = MODEL) -> UUID:
        """Write down a request of a new visitor."""
        caller = Caller("visitor", uuid4(), str(uuid4()))
        state = await self.requests.create(caller, GenerationInput(topic, model), origin="manual")
        return state.request.id

    async def finish(self, request_id: UUID) -> GenerationRequest:
        """Work a request off and settle it; where OpenRouter never tells, until we give up."""
        await self.service.finish(request_id)
        await self._standin.wait_idle()
        for _ in range(5):
            if (request := await self.request(request_id)).settled_at:
                return request
            await self._settle(request_id)
        async with self.database.sessions.begin() as session:
            await session.execute(text(f"UPDATE outbox SET offers = {bills.OFFERS_AT_MOST}"))
        await self._settle(request_id)
        return await self.request(request_id)

    async def _settle(self, request_id: UUID) -> None:
        await settlement.settle(self.database.sessions, self.openrouter, request_id)

    async def request(self, request_id: UUID) -> GenerationRequest:
        async with self.database.sessions() as session:
            request = await GenerationRepository(session).get(request_id)
        assert request
        return request

    async def ended(self, *request_ids: UUID) -> list[GenerationRequest]:
        """The requests once workers have brought all of them to an end and settled them."""

        async def found() -> list[GenerationRequest] | None:
            requests = [await self.request(one) for one in request_ids]
            return requests if all(one.settled_at for one in requests) else None

        return await until(found, "all requests to be settled", within_s=120, every_s=0.2)

    async def calls(self, request_id: UUID) -> list[ModelCall]:
        async with self.database.sessions() as session:
            return await GenerationRepository(session).calls(request_id)

    async def factoid(self, request: GenerationRequest) -> Factoid | None:
        async with self.database.sessions() as session:
            return await session.get(Factoid, request.factoid_id) if request.factoid_id else None


@asynccontextmanager
async def generating_with(
    database: Database, redis: Redis, standin: RunningOpenRouter, patience: Patience
) -> AsyncGenerator[Generating]:
    one = Generating(database, redis, standin, patience)
    try:
        yield one
    finally:
        await one.openrouter.close()


@pytest.fixture
async def generating(
    database: Database, redis: Redis, standin: RunningOpenRouter, model: LanguageModel
) -> AsyncGenerator[Generating]:
    async with generating_with(database, redis, standin, PATIENT) as one:
        yield one


@pytest.fixture
async def impatient(
    database: Database, redis: Redis, standin: RunningOpenRouter, model: LanguageModel
) -> AsyncGenerator[Generating]:
    """As `generating`, for models that say nothing for longer than half a second."""
    async with generating_with(database, redis, standin, IMPATIENT) as one:
        yield one


@pytest.fixture
async def model(make: Factories) -> LanguageModel:
    """The one model that may be used."""
    return await make.model(MODEL)


@asynccontextmanager
async def publishing_held(database: Database) -> AsyncGenerator[None]:
    """Nothing can be published meanwhile: answers wait just before."""
    async with database.sessions.begin() as session:
        await session.execute(text(PATIENTLY))
        await FactoidRepository(session).hold_publishing()
        yield


async def waiting_to_publish(database: Database) -> int:
    """How many answers wait for `publishing_held` to end."""
    return await _count(
        database,
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted",
    )


async def transactions(database: Database) -> int:
    """How many are under way, this question's own apart."""
    return await _count(
        database,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND xact_start IS NOT NULL AND pid <> pg_backend_pid()",
    )


async def waiting_for_table(database: Database, table: str) -> int:
    """How many transactions wait for a lock on a table or one of its rows."""
    return await _count(
        database,
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        f" AND wait_event_type = 'Lock' AND query ILIKE '%{table}%' AND pid <> pg_backend_pid()",
    )


async def count_factoids(database: Database) -> int:
    return await _count(database, "SELECT count(*) FROM factoids")


async def _count(database: Database, query: str) -> int:
    async with database.sessions() as session:
        return (await session.execute(text(query))).scalar_one()


@dataclass(frozen=True)
class Books:
    """What the ledger says of all pots of every day."""

    spent_usd: Decimal
    """In the global pots: by everybody."""
    reserved_usd: Decimal
    open: int
    """Requests for which money is still held."""
    over: int
    """Pots over their limit."""
    differences: int


async def books(database: Database) -> Books:
    async with database.sessions() as session:
        row = (
            await session.execute(
                text(
                    "SELECT (SELECT coalesce(sum(spent_usd), 0) FROM budget_pots"
                    " WHERE pot = 'global'), (SELECT coalesce(sum(reserved_usd), 0)"
                    " FROM budget_pots), (SELECT count(*) FROM budget_reservations"
                    " WHERE state = 'open'), (SELECT count(*) FROM budget_pots"
                    " WHERE reserved_usd + spent_usd > limit_usd)"
                )
            )
        ).one()
        differences = len(await BudgetRepository(session).differences())
    return Books(row[0], row[1], row[2], row[3], differences)


def closed(spent_usd: Decimal) -> Books:
    """Books that are in order, with nothing held any more."""
    return Books(spent_usd, Decimal(0), 0, 0, 0)


def completions(log: dict[str, Any]) -> list[dict[str, Any]]:
    """The completions that the stand-in was asked for."""
    return [one for one in log["requests"] if one["path"].endswith("/chat/completions")]


def bill(log: dict[str, Any]) -> Decimal:
    return Decimal(log["total_cost"])
