"""What a page may say over its websocket: events of ours, with arguments they take.

Reflex looks at less, passes wrong arguments on, and writes a traceback for every unknown name. So
whatever no page of ours would send is kept from it: a frame that is none ends the connection, an
event that is none is dropped.
"""

import inspect
import logging
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from web.server.site import ASGIApp, Message, Receive, Scope, Send

PAGES_SOCKET = "/_event,"
CONNECT, DISCONNECT, EVENT = "40" + PAGES_SOCKET, "41" + PAGES_SOCKET, "42" + PAGES_SOCKET
HEARTBEAT, CLOSE = "3", "1"

FRAME_AT_MOST = 65_536

OPENING = frozenset({"hydrate_and_load", "update_vars_internal", "on_load_internal"})
"""Reflex' own events that its script sends when a page opens, and when a link leads to another."""

TOKEN = re.compile(rb"(?:^|&)token=[0-9a-f-]{36}(?:&|$)")
"""Names the tab; without one Reflex would write down what it hears."""

log = logging.getLogger(__name__)

Verdict = Literal["pass", "drop", "close"]


class Place(msgspec.Struct, rename="camel"):
    """Which page an event is from."""

    pathname: str = "/"
    as_path: str = "/"
    query: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class Said(msgspec.Struct):
    """An event as the browser sends it."""

    name: str
    payload: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    router_data: Place = msgspec.field(default_factory=Place)


class Joining(msgspec.Struct):
    """What comes with the wish to join: the first event."""

    event: Said | None = None
    state_schema: str | None = None


@dataclass(frozen=True)
class Taken:
    """The arguments a handler takes, by name, with their types."""

    types: Mapping[str, Any]
    needed: frozenset[str]

    @classmethod
    def by(cls, handler: Callable[..., Any]) -> "Taken":
        hints = typing.get_type_hints(handler)
        _, *parameters = inspect.signature(handler).parameters.values()
        return cls(
            {one.name: hints.get(one.name, Any) for one in parameters},
            frozenset(one.name for one in parameters if one.default is one.empty),
        )

    def fits(self, payload: Mapping[str, Any]) -> bool:
        if not self.needed <= payload.keys() <= self.types.keys():
            return False
        try:
            for name, value in payload.items():
                msgspec.convert(value, self.types[name])
        except msgspec.ValidationError:
            return False
        return True


class Doorkeeper:
    """Knows every event a page of ours may send, and what of our state a browser keeps."""

    def __init__(self, handlers: Mapping[str, Callable[..., Any]], kept: frozenset[str]) -> None:
        self._events = {name: Taken.by(handler) for name, handler in handlers.items()}
        self._kept = kept

    def judge(self, message: Mapping[str, Any]) -> Verdict:
        """What becomes of a message that the websocket received."""
        if message["type"] != "websocket.receive":
            return "pass"
        frame = message.get("text")
        if frame is None or len(frame) > FRAME_AT_MOST:
            return "close"
        try:
            return self._judge(frame)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return "close"

    def _judge(self, frame: str) -> Verdict:
        if frame in {HEARTBEAT, CLOSE, DISCONNECT}:
            return "pass"
        if frame.startswith(CONNECT):
            joining = msgspec.json.decode(frame[len(CONNECT) :] or "{}", type=Joining)
            return "pass" if joining.event is None or self._admits(joining.event) else "close"
        if not frame.startswith(EVENT):
            return "close"
        name, *rest = msgspec.json.decode(frame[len(EVENT) :], type=list[msgspec.Raw])
        match msgspec.json.decode(name), len(rest):
            case "ping", 0:
                return "pass"
            case "client_error", 1:
                msgspec.json.decode(rest[0], type=dict[str, str])
                return "pass"
            case "event", 1:
                said = msgspec.json.decode(rest[0], type=Said)
                return "pass" if self._admits(said) else "drop"
            case _:
                return "close"

    def _admits(self, said: Said) -> bool:
        taken = self._events.get(said.name)
        return taken is not None and taken.fits(said.payload) and self._keeps(said.payload)

    def _keeps(self, payload: Mapping[str, Any]) -> bool:
        """Whether the state a tab brings back, if any, is what we let it keep."""
        brought = payload.get("vars") or {}
        return brought.keys() <= self._kept and all(
            isinstance(value, str) for value in brought.values()
        )


class PageSocket:
    """Passes on what the doorkeeper lets through; everything but websockets goes by."""

    def __init__(self, app: ASGIApp, doorkeeper: Doorkeeper) -> None:
        self._app = app
        self._doorkeeper = doorkeeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        if not TOKEN.search(scope["query_string"]):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        told = False

        async def receive_sense() -> Message:
            nonlocal told
            while True:
                message = await receive()
                verdict = self._doorkeeper.judge(message)
                if verdict == "pass":
                    return message
                if not told:
                    # Once a connection, and without its words: they are a stranger's.
                    log.warning("A page's websocket brought what no page would send")
                    told = True
                if verdict == "close":
                    return {"type": "websocket.disconnect", "code": 1008}

        await self._app(scope, receive_sense, send)


def page_events() -> dict[str, Callable[..., Any]]:
    """Every event that pages may send: our states' handlers, and the framework's first.

    Left out is `setvar`, by which a page could put anything into its state.
    """
    from reflex_base.registry import RegistrationContext

    return {
        name: registered.handler.fn
        for name, registered in RegistrationContext.get().event_handlers.items()
        for action in [name.rpartition(".")[2]]
        if action in OPENING or ("web___" in name and action != "setvar")
    }


def kept_by_browsers() -> frozenset[str]:
    """The full names of the parts of our states that a browser stores for us."""
    from reflex.compiler.utils import compile_client_storage
    from reflex.state import State

    stores = compile_client_storage(State).values()
    return frozenset(name for store in stores for name in store)
