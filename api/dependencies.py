"""What handlers may ask for: a transaction, a service, the caller."""

from collections.abc import AsyncGenerator
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import provide_caller, provide_identity, reader_id
from api.middleware.idempotency import provide_attempt
from domain.factoids.service import FactoidService
from domain.factoids.votes import VoteService
from domain.limits.rate_limit import RateLimiter
from domain.services import Services


async def provide_session(state: State) -> AsyncGenerator[AsyncSession]:
    """Commit when the handler returns, roll back when it raises; before the answer is sent."""
    services: Services = state.services
    async with services.database.sessions.begin() as session:
        yield session


class Reading(msgspec.Struct, frozen=True):
    """The factoids, the visitor whose votes to show with them, and where permalinks begin."""

    factoids: FactoidService
    reader_id: UUID | None
    site_url: str


def reading_of(request: Request[Any, Any, Any]) -> Reading:
    """For the hot reads, which call it themselves: an injected dependency costs them as much as
    making their answer's rows.
    """
    services: Services = request.app.state.services
    return Reading(services.factoids, reader_id(request), services.settings.site_url)


def provide_votes(
    session: NamedDependency[AsyncSession], limiter: NamedDependency[RateLimiter]
) -> VoteService:
    return VoteService(session, limiter)


def provide_service(name: str) -> Provide:
    """A service of the process, by its name in `Services`."""

    def provide(state: State) -> Any:
        return getattr(state.services, name)

    return Provide(provide, sync_to_thread=False)


DEPENDENCIES: dict[str, Any] = {
    **{
        name: provide_service(name)
        for name, value in vars(Services).items()
        if isinstance(value, cached_property)
    },
    "redis": provide_service("redis"),
    "settings": provide_service("settings"),
    "session": Provide(provide_session),
    "caller": Provide(provide_caller, sync_to_thread=False),
    "identity": Provide(provide_identity, sync_to_thread=False),
    "attempt": Provide(provide_attempt, sync_to_thread=False),
    "votes": Provide(provide_votes, sync_to_thread=False),
}
