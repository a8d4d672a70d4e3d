import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select

from db.models import Tally, Vote
from domain.caller import Caller
from domain.factoids.service import FactoidNotFound
from domain.factoids.votes import VoteService, VoteValue
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from tests.configuration import settings
from tests.proof import at_length


@pytest.fixture
def limiter(redis: Redis) -> RateLimiter:
    return RateLimiter(redis, Policies(settings))


def visitor() -> Caller:
    return Caller("visitor", uuid4(), "net")


@pytest.mark.parametrize(
    ("cast", "tally"),
    [
        pytest.param([1, 1], (1, 0), id="the same vote twice counts once"),
        pytest.param([1, -1], (0, 1), id="a changed vote moves to the other side"),
        pytest.param([1, 0], (0, 0), id="a withdrawn vote counts for nothing"),
        pytest.param([0], (0, 0), id="withdrawing what was never cast changes nothing"),
        pytest.param([-1, 0, -1], (0, 1), id="a withdrawn vote can be cast again"),
    ],
)
async def test_each_voter_has_one_standing_vote(session, make, limiter, cast, tally):
    factoid = await make.factoid()
    votes, caller = VoteService(session, limiter), visitor()

    counts = [await votes.cast(caller, factoid.id, value) for value in cast]

    assert (counts[-1].votes_up, counts[-1].votes_down) == tally


async def test_an_unknown_factoid_cannot_be_voted_on(session, limiter):
    with pytest.raises(FactoidNotFound):
        await VoteService(session, limiter).cast(visitor(), uuid4(), 1)


CHANGES: list[tuple[VoteValue, VoteValue]] = [(1, -1), (-1, 0), (1, 1)]


async def test_tally_and_votes_are_equal_after_many_callers_at_once(database, make, limiter):
    factoid = await make.factoid()
    callers = at_length(200, whole=500)
    voters = [visitor() for _ in range(callers)]

    async def vote(place: int) -> None:
        async with database.sessions.begin() as session:
            votes = VoteService(session, limiter)
            for value in CHANGES[place % 3]:
                await votes.cast(voters[place % (callers - 50)], factoid.id, value)

    await asyncio.gather(*(vote(place) for place in range(callers)))

    async with database.sessions() as session:
        counted = await session.get(Tally, factoid.id)
        standing = dict(
            (
                await session.execute(
                    select(Vote.value, func.count()).where(Vote.value != 0).group_by(Vote.value)
                )
            ).all()
        )
    assert (counted.votes_up, counted.votes_down) == (standing.get(1, 0), standing.get(-1, 0))
    assert counted.votes_up
