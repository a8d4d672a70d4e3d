"""Whatever a hostile client says to the pages' socket is refused, and nobody else notices."""

import importlib
import json
from typing import Any

import pytest

from tests.e2e.stack import Site
from tests.factories import Factories
from tests.security.sockets import Socket, joined

LONG = "x" * 8_000
CANARY = "canary-8d1f"
HOSTILE: list[Any] = [
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    "1; drop table factoids",
    LONG,
    "\u0000",
    "\ud800",
    [],
    [[[[[]]]]],
    ["x"] * 1_000,
    {"$ne": 1},
    {"__class__": "x"},
    {LONG: LONG},
    CANARY,
]
NAMES_OF_NOTHING: list[Any] = [
    "",
    "x",
    "__init__",
    "reflex___state____state",
    "reflex___state____state.web___factoid___votes____votes_state",
    "reflex___state____state.web___factoid___votes____votes_state._load",
    "reflex___state____state.web___factoid___votes____votes_state.__class__",
    "reflex___state____state.web___factoid___votes____votes_state.get_state",
    "reflex___state____state.nowhere.vote",
    LONG,
    None,
    7,
    ["vote"],
    {"name": "vote"},
]
MISSING_FRAME = [
    "",
    "0",
    "2",
    "2probe",
    "4",
    "5",
    "6",
    "9",
    "b",
    "bAAAA",
    "x",
    "40",
    "40/elsewhere,",
    "40/_event,[]",
    '40/_event,{"event": 1}',
    '40/_event,{"event": {"name": "x"}}',
    "42",
    "42[]",
    "42/_event,",
    "42/_event,[]",
    "42/_event,{}",
    "42/_event,null",
    '42/_event,["event"]',
    '42/_event,["event", 1]',
    '42/_event,["event", "text"]',
    '42/_event,["event", {}, {}]',
    '42/_event,["connect", {}]',
    '42/_event,["disconnect"]',
    '42/_event,["on_event", {}]',
    "42/_event,[7, {}]",
    '42/_event,["event", {"name": NaN}]',
    "42/_event,[" + "[" * 30_000,
    '42/_event,["event",' + '{"a":' * 10_000,
    '42/_event,["event", {"name": "x", "name": ' + "9" * 10_000 + "}]",
    '42/_event,["client_error", [1]]',
    "43/_event,1[]",
    '44/_event,{"message": "x"}',
    '451-/_event,["event", {"_placeholder": true, "num": 0}]',
    "46/_event,1[]",
    "47",
    "42/_event,7" + '["ping"]',
    "\u0000",
    "💥" * 1_000,
]


def every_event() -> list[str]:
    """All that is registered, the framework's own included."""
    from reflex_base.registry import RegistrationContext

    importlib.import_module("web.app")
    return sorted(RegistrationContext.get().event_handlers)


def arguments(name: str) -> list[Any]:
    """Payloads for an event: no mapping, unknown names, and every value for its own names."""
    from web.server.socket_guard import HandlerSignature, allowed_events

    handler = allowed_events().get(name)
    taken = list(HandlerSignature.of(handler).types) if handler else ["var_name", "value", "vars"]
    wrong: list[Any] = [*HOSTILE, {"a": 1, "b": 2}, {"self": 1}, {"": ""}]
    one_by_one = [{argument: value} for argument in taken for value in HOSTILE]
    together = [dict.fromkeys(taken, value) for value in HOSTILE if taken]
    extra = [dict.fromkeys([*taken, "more"], value) for value in HOSTILE]
    return [*wrong, *one_by_one, *together, *extra]


def readable(payload: Any) -> bool:
    """Whether it is an event's payload at all; anything else ends the connection."""
    said = json.dumps(payload)
    return isinstance(payload, dict) and "\\ud800" not in said


@pytest.fixture
async def quiet(site: Site):
    """The site, which afterwards has written no traceback and none of what it was told."""
    before = len(site.log)
    yield site
    said = site.log[before:]
    for word in ("Traceback", "Exception", "Error", CANARY, "xxxxxxxx"):
        assert word not in said, said[-3_000:]


async def hydrate(socket: Socket) -> bool:
    await socket.event("reflex___state____state.hydrate_and_load", {})
    return await socket.hears("is_hydrated") is not None


async def test_every_event_with_every_wrong_argument(quiet: Site, make: Factories):
    await make.factoid()
    names = every_event()
    assert len(names) >= 25
    said = 0
    for name in names:
        async with joined(quiet.origin) as socket:
            for payload in filter(readable, arguments(name)):
                await socket.event(name, payload)
                said += 1
            assert await socket.is_answered(), name
        for payload in arguments(name):
            if not readable(payload):
                async with joined(quiet.origin) as socket:
                    await socket.event(name, payload)
                    said += 1
                    assert not await socket.is_answered(), (name, payload)
    assert said > 1_500
    async with joined(quiet.origin) as socket:
        assert await hydrate(socket)


async def test_events_that_are_none(quiet: Site):
    async with joined(quiet.origin) as socket:
        for name in NAMES_OF_NOTHING:
            if isinstance(name, str):
                await socket.event(name, {})
        assert await socket.is_answered()
        known = "reflex___state____state.web___feed___state____feed_state.load_more"
        await socket.event(known, {"visible": "yes"})
        await socket.event("reflex___state____state.hydrate_and_load", {"vars": {"a.b": 1}})
        assert await socket.is_answered()
    for name in NAMES_OF_NOTHING:
        if not isinstance(name, str):
            async with joined(quiet.origin) as socket:
                await socket.event(name, {})
                assert not await socket.is_answered()


@pytest.mark.parametrize("frame", MISSING_FRAME, ids=lambda frame: frame[:40])
async def test_a_frame_no_page_would_send_ends_the_connection(quiet: Site, frame: str):
    async with joined(quiet.origin) as socket:
        await socket.say(frame)
        assert not await socket.is_answered()
    async with joined(quiet.origin) as socket:
        assert await hydrate(socket)


async def test_bytes_and_too_much_end_the_connection(quiet: Site):
    for frame in (b"\x00\xff", '42/_event,["event",{"name":"' + "x" * 200_000 + '"}]'):
        async with joined(quiet.origin) as socket:
            await socket.say(frame)
            assert not await socket.is_answered()


@pytest.mark.parametrize(
    "place",
    [None, 1, "x", [], {"pathname": 1}, {"pathname": None}, {"query": 1}, {"query": [1]}],
)
async def test_a_page_that_is_nowhere(quiet: Site, place: Any):
    async with joined(quiet.origin) as socket:
        name = "reflex___state____state.web___feed___state____feed_state.load_feed"
        await socket.event(name, {}, router_data=place)
        assert not await socket.is_answered()


async def test_a_flood_of_nonsense_delays_nobody(quiet: Site, make: Factories):
    factoid = await make.factoid()
    vote = "reflex___state____state.web___factoid___votes____votes_state.vote"
    async with joined(quiet.origin) as hostile, joined(quiet.origin) as visitor:
        assert await hydrate(visitor)
        for number in range(5_000):
            await hostile.say("42/_event," + json.dumps(["event", {"name": f"x{number}"}]))
        await visitor.event(vote, {"factoid_id": str(factoid.id), "value": 1})
        assert await visitor.is_answered()
        assert await hostile.is_answered()
