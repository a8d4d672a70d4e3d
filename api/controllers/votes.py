"""Vote, and say why."""

from typing import Any
from uuid import UUID

from litestar import Controller, Response, post, put
from litestar.background_tasks import BackgroundTask
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from redis.asyncio import Redis

from api.mappers.factoids import feedback_out, tally_out
from api.middleware.authentication import SCOPE
from api.schemas.factoids import FeedbackIn, FeedbackOut, TallyOut, VoteIn
from domain.caller import Caller
from domain.factoids.votes import VoteCount, VoteService
from domain.infra.live import TallyChanged, tell


class VoteController(Controller):
    path = "/api/factoids/{factoid_id:uuid}/vote"
    tags = ("Votes",)
    opt = {SCOPE: "vote"}  # noqa: RUF012

    @put(operation_id="CastVote")
    async def cast(
        self,
        factoid_id: FromPath[UUID],
        data: JSONBody[VoteIn],
        caller: NamedDependency[Caller],
        votes: NamedDependency[VoteService],
        redis: NamedDependency[Redis],
    ) -> Response[TallyOut]:
        """Cast, change or (with 0) take back your vote; repeating it changes nothing."""
        count = await votes.cast(caller, factoid_id, data.value)
        return Response(tally_out(count), background=_told(redis, count))

    @post(operation_id="CastVoteByPost", status_code=200)
    async def cast_by_post(
        self,
        factoid_id: FromPath[UUID],
        data: JSONBody[VoteIn],
        caller: NamedDependency[Caller],
        votes: NamedDependency[VoteService],
        redis: NamedDependency[Redis],
    ) -> Response[TallyOut]:
        """The same as PUT, for clients that only know POST."""
        count = await votes.cast(caller, factoid_id, data.value)
        return Response(tally_out(count), background=_told(redis, count))


@post(
    "/api/factoids/feedback",
    operation_id="LeaveFeedback",
    tags=["Votes"],
    opt={SCOPE: "vote", "refusals": [404]},
)
async def leave_feedback(
    data: JSONBody[FeedbackIn],
    caller: NamedDependency[Caller],
    votes: NamedDependency[VoteService],
    redis: NamedDependency[Redis],
) -> Response[FeedbackOut]:
    """Say why a factoid is good or bad: a comment, tags, or both."""
    feedback, count = await votes.leave_feedback(
        caller,
        data.factoid_id,
        comment=data.comment,
        tags=data.tags,
        value=data.vote,
    )
    return Response(feedback_out(feedback), background=_told(redis, count) if count else None)


def _told(redis: Redis, count: VoteCount) -> BackgroundTask:
    """Tell the other pages, once the vote is committed and answered."""
    changed: Any = TallyChanged(count.factoid_id, count.votes_up, count.votes_down)
    return BackgroundTask(tell, redis, changed)
