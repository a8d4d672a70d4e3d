"""Endpoint to vote on a factoid."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, route
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from redis.asyncio import Redis

from api.guards import requires_scope
from api.mappers.factoids import tally_out
from api.schemas.factoids import TallyOut, VoteIn
from domain.caller import Caller
from domain.factoids.votes import VoteCount, VoteService
from domain.infra.live import TallyChanged, publish


def operation_id(_: HTTPRouteHandler, method: str, __: Any) -> str:
    return "CastVoteByPost" if method == "POST" else "CastVote"


class VoteController(Controller):
    path = "/api/factoids/{factoid_id:uuid}/vote"
    tags = ("Votes",)
    guards = (requires_scope("vote"),)

    @route(http_method=["PUT", "POST"], operation_id=operation_id, status_code=200)
    async def cast(
        self,
        factoid_id: FromPath[UUID],
        data: JSONBody[VoteIn],
        caller: NamedDependency[Caller],
        votes: NamedDependency[VoteService],
        redis: NamedDependency[Redis],
    ) -> Response[TallyOut]:
        """Cast, change or (with 0) take back your vote; repeating it changes nothing.

        PUT and POST do the same: some clients only know POST.
        """
        count = await votes.cast(caller, factoid_id, data.value)
        return Response(tally_out(count), background=broadcast(redis, count))


def broadcast(redis: Redis, count: VoteCount | None) -> BackgroundTask | None:
    """A task that publishes the new tally to open pages after the response."""
    if count is None:
        return None
    changed: Any = TallyChanged(count.factoid_id, count.votes_up, count.votes_down)
    return BackgroundTask(publish, redis, changed)
