"""How often anything may be done: exactly, over all windows, for a caller and their network."""

import asyncio
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from domain.caller import Caller, network_of
from domain.errors import RateLimited
from domain.limits.policies import REPORTED, Policies, Window, parse_windows
from domain.limits.rate_limit import GenerationLimit, RateLimiter
from domain.limits.states import PolicyState
from settings import Settings
from tests import limits

COUNTED = (
    *("generate_limits", "key_generate_limits", "vote_limits", "network_vote_limits"),
    *("feedback_limits", "network_feedback_limits", "checkout_limits", "chat_limits"),
)


def limiter_of(redis: Redis, **given: Any) -> RateLimiter:
    return RateLimiter(redis, Policies(Settings(**given)))


@pytest.fixture
def limiter(redis: Redis) -> RateLimiter:
    """With the limits as they are unless set otherwise."""
    return limiter_of(redis)


def visitor(network: str = "net", visitor_id: UUID | None = None) -> Caller:
    return Caller("visitor", visitor_id or uuid4(), network)


def remaining(state: PolicyState) -> list[int]:
    return [one.remaining for one in state.windows]


async def age(redis: Redis, caller: Caller, seconds: float) -> None:
    for subject in (caller.id, caller.network):
        await limits.age(redis, seconds, subject=str(subject))


@pytest.mark.parametrize(
    "written", ["", "1", "1/2/3", "0/60", "1/0", "a/60", "1/60;3/3600", "1/60,", "1/60,2/60"]
)
def test_limits_that_cannot_be_read_are_refused(written):
    with pytest.raises(ValueError):  # noqa: PT011 - int and unpacking have words of their own
        parse_windows(written)


def test_a_window_is_named_by_its_length():
    windows = [*parse_windows("20/86400,1/60,3/3600"), Window(1, 7)]

    assert [window.name for window in windows] == ["minute", "hour", "day", "7s"]


@pytest.mark.parametrize(
    ("callers", "admitted"),
    [
        pytest.param([("one", "net")] * 40, 1, id="one visitor"),
        pytest.param([(n, "net") for n in range(40)], 1, id="forty visitors of one network"),
        pytest.param([("one", f"net{n}") for n in range(40)], 1, id="one visitor on forty"),
        pytest.param([(n, f"net{n}") for n in range(40)], 40, id="strangers"),
    ],
)
async def test_of_forty_at_once_exactly_the_limit_is_admitted(limiter, callers, admitted):
    ids = {name: uuid4() for name, _ in callers}

    answers = await asyncio.gather(
        *(limiter.hit("generate", visitor(network, ids[name])) for name, network in callers),
        return_exceptions=True,
    )

    refusals = [one for one in answers if isinstance(one, GenerationLimit)]
    assert len(answers) - len(refusals) == admitted
    assert len(refusals) == 40 - admitted
    assert all(1 <= one.retry_after_s <= 60 for one in refusals)


async def test_a_refusal_counts_in_no_window(limiter, redis):
    caller = visitor()
    await limiter.hit("generate", caller)
    for _ in range(5):
        with pytest.raises(GenerationLimit):
            await limiter.hit("generate", caller)

    await age(redis, caller, 60)

    assert remaining(await limiter.hit("generate", caller)) == [0, 1, 18]


async def test_a_full_network_leaves_the_visitor_uncounted(limiter, redis):
    """All windows of all subjects are looked at before any is counted."""
    first, second = visitor("net"), visitor("net")
    await limiter.hit("generate", first)
    with pytest.raises(GenerationLimit):
        await limiter.hit("generate", second)

    assert remaining(await limiter.hit("generate", replace(second, network="other"))) == [0, 2, 19]


async def test_the_refusal_names_the_window_that_is_full_for_longest(limiter, redis):
    caller = visitor()
    for _ in range(3):
        await limiter.hit("generate", caller)
        await age(redis, caller, 1_000)

    with pytest.raises(GenerationLimit, match="3 new factoids per hour") as refused:
        await limiter.hit("generate", caller)

    # The oldest of the three lies 3,000 s back: in 600 s it leaves the hour.
    assert 590 < refused.value.retry_after_s <= 600


async def test_what_is_told_to_wait_for_comes_to_be(limiter, redis):
    caller = visitor()
    await limiter.hit("generate", caller)
    with pytest.raises(GenerationLimit) as refused:
        await limiter.hit("generate", caller)

    await age(redis, caller, refused.value.retry_after_s)

    await limiter.hit("generate", caller)


@pytest.mark.parametrize(("back_s", "admitted"), [(58, False), (60, True)])
async def test_a_window_ends_when_its_length_has_passed(limiter, redis, back_s, admitted):
    caller = visitor()
    await limiter.hit("generate", caller)
    await age(redis, caller, back_s)

    if admitted:
        await limiter.hit("generate", caller)
    else:
        with pytest.raises(GenerationLimit):
            await limiter.hit("generate", caller)


async def test_a_clock_set_back_locks_nobody_out_for_longer_than_the_window(limiter, redis):
    caller = visitor()
    await limiter.hit("generate", caller)
    # As if Redis' clock had shown an hour more when this was counted.
    await age(redis, caller, -3_600)

    with pytest.raises(GenerationLimit) as refused:
        await limiter.hit("generate", caller)

    assert 1 <= refused.value.retry_after_s <= 60


async def test_what_was_given_back_can_be_used_again(limiter):
    caller = visitor()
    await limiter.hit("generate", caller, member="a request")

    for _ in range(2):
        await limiter.give_back("generate", caller.id, caller.network, "a request")

    assert remaining(await limiter.hit("generate", caller)) == [0, 2, 19]


async def test_looking_counts_nothing(limiter):
    caller = visitor()
    before = await limiter.left(caller)

    assert await limiter.left(caller) == before
    assert [state.policy.name for state in before] == list(REPORTED)
    assert all(one.remaining == one.window.limit for state in before for one in state.windows)
    assert all(one.reset_s == 0 for state in before for one in state.windows)


async def test_the_tighter_of_visitor_and_network_is_told(limiter, redis):
    caller = visitor()
    for _ in range(2):
        other = visitor()
        await limiter.hit("generate", other)
        await age(redis, other, 1_000)

    generate, *_ = await limiter.left(caller)

    assert remaining(generate) == [1, 1, 18]


async def test_a_network_has_room_for_more_feedback_than_one_visitor(redis):
    limiter = limiter_of(redis, feedback_limits="2/60", network_feedback_limits="3/60")
    one, other = visitor(), visitor()

    told = [await limiter.hit("feedback", caller) for caller in (one, one, other)]

    assert [remaining(state) for state in told] == [[1], [0], [0]]
    assert [state.windows[0].window.limit for state in told] == [2, 2, 2]
    for caller in (one, other):
        with pytest.raises(RateLimited):
            await limiter.hit("feedback", caller)


async def test_an_api_keys_own_limits_win_and_no_network_shares_them(redis):
    limiter = limiter_of(redis, key_generate_limits="1/60")
    usual = Caller("key", uuid4(), "net")
    raised = Caller("key", uuid4(), "net", rate_limit="3/60", budget_usd=Decimal(1))

    assert remaining(await limiter.hit("generate", usual)) == [0]
    assert [remaining(await limiter.hit("generate", raised)) for _ in range(3)] == [[2], [1], [0]]
    with pytest.raises(GenerationLimit):
        await limiter.hit("generate", raised)


async def test_nothing_is_counted_for_the_schedule(limiter):
    scheduler = Caller("scheduler", None, None)

    assert (await limiter.hit("generate", scheduler)).windows == ()


@pytest.mark.parametrize("policy", ["generate", "vote", "feedback", "checkout", "chat"])
@pytest.mark.parametrize("kind", ["visitor", "key", "staff"])
async def test_every_policy_admits_its_limit_and_no_more(redis, policy, kind):
    limiter = limiter_of(redis, **dict.fromkeys(COUNTED, "2/60,4/3600"))
    caller = Caller(kind, uuid4(), "net")

    assert remaining(await limiter.hit(policy, caller)) == [1, 3]
    assert remaining(await limiter.hit(policy, caller)) == [0, 2]
    with pytest.raises(RateLimited):
        await limiter.hit(policy, caller)


async def test_every_count_goes_by_itself(limiter, redis):
    for policy in ("generate", "vote", "feedback", "checkout", "chat"):
        await limiter.hit(policy, visitor())

    lives = {key: await redis.ttl(key) for key in await redis.keys()}

    assert all(0 < lives_s <= 2 * 86_400 for lives_s in lives.values()), lives


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_address_is_limited_with_its_network(address, network):
    assert network_of(address) == network
