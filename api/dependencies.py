"""Dependency injection: the transaction, the services and the caller for handlers."""

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
    """A transaction, committed before the response is sent, rolled back if the handler raises."""
    services: Services = state.services
    async with services.database.sessions.begin() as session:
        yield session


class Reading(msgspec.Struct, frozen=True):
    """What the hot reads need: the service, the visitor whose votes are shown, the site's URL."""

    factoids: FactoidService
    reader_id: UUID | None
    site_url: str


def reading_of(request: Request[Any, Any, Any]) -> Reading:
    """The hot reads call this themselves: an injected dependency takes as long as building the
    rows of their response.
    """
    services: Services = request.app.state.services
    return Reading(services.factoids, reader_id(request), services.settings.site_url)


def provide_votes(
    session: NamedDependency[AsyncSession], limiter: NamedDependency[RateLimiter]
) -> VoteService:
    return VoteService(session, limiter)


def provide_service(name: str) -> Provide:
    """A provider of the service with this name in `Services`."""

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
