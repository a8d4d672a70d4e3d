"""How many factoids may be asked for: exactly, for a visitor and for a network."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from db.models import GenerationRequest
from domain.caller import Caller, network_of
from domain.generation.requests import GenerationRequests, Wish
from domain.limits.allowance import AllowanceUsedUp, Window, left, parse_windows
from domain.llm.catalogue import CatalogueService

LIMITS = parse_windows("1/60,3/3600,20/86400")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def requests(database, model) -> GenerationRequests:
    return GenerationRequests(database.sessions, CatalogueService(database.sessions), LIMITS)


@pytest.fixture
async def processes(database, model) -> AsyncGenerator[list[GenerationRequests]]:
    """As two processes would have it, each with a few connections of its own."""
    engines = [
        create_async_engine(database.engine.url, pool_size=4, max_overflow=0) for _ in range(2)
    ]
    makers = [async_sessionmaker(engine, expire_on_commit=False) for engine in engines]
    yield [GenerationRequests(maker, CatalogueService(maker), LIMITS) for maker in makers]
    for engine in engines:
        await engine.dispose()


@pytest.mark.parametrize(
    ("ago_s", "remaining", "resets_s"),
    [
        pytest.param([], [1, 3, 20], [0, 0, 0], id="nothing asked yet"),
        pytest.param([10], [0, 2, 19], [50, 0, 0], id="one within the minute"),
        pytest.param([60], [1, 2, 19], [0, 0, 0], id="one exactly a minute ago"),
        pytest.param([3_000, 2_000, 61], [1, 0, 17], [0, 600, 0], id="three within the hour"),
        pytest.param([3_600, 2_000, 61], [1, 1, 17], [0, 0, 0], id="the first an hour ago"),
        pytest.param(
            [86_000 - 4_000 * n for n in range(20)],
            [1, 3, 0],
            [0, 0, 400],
            id="twenty within the day",
        ),
    ],
)
def test_windows_slide(ago_s, remaining, resets_s):
    times = [NOW - timedelta(seconds=ago) for ago in ago_s]

    allowances = left(times, LIMITS, NOW)

    assert [one.remaining for one in allowances] == remaining
    assert [one.reset_s for one in allowances] == resets_s


@pytest.mark.parametrize(
    "written", ["", "1", "1/2/3", "0/60", "1/0", "a/60", "1/60;3/3600", "1/60,"]
)
def test_limits_that_cannot_be_read_are_refused(written):
    with pytest.raises(ValueError):  # noqa: PT011 - int and unpacking have words of their own
        parse_windows(written)


@pytest.mark.parametrize(
    ("callers", "admitted"),
    [
        pytest.param([("one", "net")] * 40, 1, id="one visitor"),
        pytest.param([(n, "net") for n in range(40)], 1, id="forty visitors of one network"),
        pytest.param([("one", f"net{n}") for n in range(40)], 1, id="one visitor on forty"),
        pytest.param([(n, f"net{n}") for n in range(40)], 40, id="strangers"),
    ],
)
async def test_of_forty_requests_at_once_exactly_the_limit_is_admitted(
    processes, callers, admitted
):
    visitors = {name: uuid4() for name, _ in callers}

    answers = await asyncio.gather(
        *(
            _ask(processes[place % 2], Caller(visitors[name], network))
            for place, (name, network) in enumerate(callers)
        ),
        return_exceptions=True,
    )

    refusals = [one for one in answers if isinstance(one, AllowanceUsedUp)]
    assert len(answers) - len(refusals) == admitted
    assert len(refusals) == 40 - admitted
    assert all(1 <= one.retry_after_s <= 61 for one in refusals)


@pytest.mark.parametrize(
    ("ended", "counts"),
    [
        pytest.param({"status": "succeeded"}, True, id="a factoid counts"),
        pytest.param({"status": "running"}, True, id="one under way counts"),
        pytest.param({"status": "refused"}, True, id="a declined topic counts"),
        pytest.param({"status": "cancelled"}, True, id="one cancelled while running counts"),
        pytest.param(
            {"status": "cancelled", "allowance_returned": True},
            False,
            id="one cancelled while queued does not",
        ),
        pytest.param(
            {"status": "failed", "allowance_returned": True}, False, id="our failure does not"
        ),
    ],
)
async def test_only_what_was_used_counts(database, requests, ended, counts):
    caller = Caller(uuid4(), "net")
    await _asked_before(database, caller, **ended)

    assert (await requests.allowance(caller))[0].remaining == (0 if counts else 1)


async def test_the_tighter_of_visitor_and_network_counts(database, requests):
    caller = Caller(uuid4(), "net")
    await _asked_before(database, Caller(uuid4(), "net"), ago_s=3_000)
    await _asked_before(database, Caller(uuid4(), "net"), ago_s=2_000)
    await _asked_before(database, Caller(caller.visitor_id, "elsewhere"), ago_s=100)

    minute, hour, day = await requests.allowance(caller)

    assert (minute.remaining, hour.remaining, day.remaining) == (1, 1, 18)


async def test_the_refusal_names_the_window_that_is_full_for_longest(database, requests):
    caller = Caller(uuid4(), "net")
    for ago_s in (3_000, 2_000, 10):
        await _asked_before(database, caller, ago_s=ago_s)

    with pytest.raises(AllowanceUsedUp, match="3 new factoids a hour") as refused:
        await _ask(requests, caller)

    assert 590 < refused.value.retry_after_s <= 600


def test_a_window_is_named_by_its_length():
    assert [window.name for window in [*LIMITS, Window(1, 7)]] == ["minute", "hour", "day", "7s"]


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


async def _ask(requests: GenerationRequests, caller: Caller):
    return await requests.create(caller, Wish("honey"), origin="manual")


async def _asked_before(database, caller: Caller, *, ago_s: int = 5, **values) -> None:
    async with database.sessions.begin() as session:
        session.add(
            GenerationRequest(
                visitor_id=caller.visitor_id,
                network=caller.network,
                origin="manual",
                model="m",
                model_asked=False,
                prompt_version="1",
                quote_usd=Decimal(0),
                created_at=datetime.now(UTC) - timedelta(seconds=ago_s),
                **{"status": "succeeded"} | values,
            )
        )
