"""Endpoint to leave feedback on a factoid."""

from litestar import Controller, Response, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from redis.asyncio import Redis

from api.controllers.votes import broadcast
from api.guards import requires_scope
from api.mappers.factoids import feedback_out
from api.schemas.factoids import FeedbackIn, FeedbackOut
from domain.caller import Caller
from domain.factoids.votes import VoteService


class FeedbackController(Controller):
    path = "/api/factoids/feedback"
    tags = ("Votes",)
    guards = (requires_scope("vote"),)

    @post(operation_id="LeaveFeedback", opt={"refusals": [404]})
    async def leave(
        self,
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
        return Response(feedback_out(feedback), background=broadcast(redis, count))
