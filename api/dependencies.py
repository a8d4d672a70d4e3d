"""What handlers may ask for: a transaction, a service, the caller."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import provide_caller, reader_id
from db.repositories.factoids import FactoidReads
from db.session import Database
from domain.cursor import Cursors
from domain.factoids import FactoidService
from domain.generation.progress import ProgressReader
from domain.generation.requests import GenerationRequests
from domain.limits.allowance import parse_windows
from domain.live import LiveHub
from domain.llm.catalogue import CatalogueService
from domain.votes import VoteService
from settings import settings


async def provide_session(state: State) -> AsyncGenerator[AsyncSession]:
    """Commit when the handler returns, roll back when it raises; before the answer is sent."""
    database: Database = state.database
    async with database.sessions.begin() as session:
        yield session


def provide_factoids(state: State) -> FactoidService:
    return state.factoids


@dataclass(frozen=True, slots=True)
class Reading:
    """The factoids, and the visitor whose votes to show with them.

    One dependency and not two: for a second one Litestar starts a group of tasks on every
    request, which costs as much as the query.
    """

    factoids: FactoidService
    reader_id: UUID | None


def provide_reading(request: Request[Any, Any, Any], state: State) -> Reading:
    return Reading(state.factoids, reader_id(request))


def provide_votes(session: NamedDependency[AsyncSession]) -> VoteService:
    return VoteService(session)


def provide_catalogue(state: State) -> CatalogueService:
    return state.catalogue


def provide_generations(state: State) -> GenerationRequests:
    return state.generations


def provide_progress(state: State) -> ProgressReader:
    return state.progress


def provide_redis(state: State) -> Redis:
    return state.redis


def provide_live(state: State) -> LiveHub:
    return state.live


def fill(state: State, database: Database, redis: Redis) -> None:
    """Build the services a process needs once."""
    state.database = database
    state.redis = redis
    state.factoids = FactoidService(FactoidReads(database.reads), Cursors(settings.secret_key))
    state.catalogue = CatalogueService(database.sessions)
    state.generations = GenerationRequests(
        database.sessions, state.catalogue, parse_windows(settings.generate_limits)
    )
    state.progress = ProgressReader(redis, database.sessions)
    state.live = LiveHub(redis)


DEPENDENCIES: dict[str, Any] = {
    "session": Provide(provide_session),
    "caller": Provide(provide_caller, sync_to_thread=False),
    "reading": Provide(provide_reading, sync_to_thread=False),
    "factoids": Provide(provide_factoids, sync_to_thread=False),
    "votes": Provide(provide_votes, sync_to_thread=False),
    "catalogue": Provide(provide_catalogue, sync_to_thread=False),
    "generations": Provide(provide_generations, sync_to_thread=False),
    "progress": Provide(provide_progress, sync_to_thread=False),
    "redis": Provide(provide_redis, sync_to_thread=False),
    "live": Provide(provide_live, sync_to_thread=False),
}
