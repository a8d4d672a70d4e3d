"""Filters the pages' websocket: only events of our pages pass, with arguments their handlers take.

Reflex checks less, passes wrong arguments on, and logs a traceback for every unknown name. A
malformed frame ends the connection; an event that no page of ours sends is dropped. See ADR 13.
"""

import inspect
import logging
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from web.server.asgi import ASGIApp, Message, Receive, Scope, Send

PAGES_SOCKET = "/_event,"
CONNECT, DISCONNECT, EVENT = "40" + PAGES_SOCKET, "41" + PAGES_SOCKET, "42" + PAGES_SOCKET
HEARTBEAT, CLOSE = "3", "1"

MAX_FRAME_LENGTH = 65_536

PAGE_LOAD_EVENTS = frozenset({"hydrate_and_load", "update_vars_internal", "on_load_internal"})
"""The events of Reflex itself that its client sends at a page load and at a navigation."""

CLIENT_TOKEN = re.compile(rb"(?:^|&)token=[0-9a-f-]{36}(?:&|$)")
"""Identifies the tab; without one Reflex would log what it receives."""

log = logging.getLogger(__name__)

Verdict = Literal["pass", "drop", "close"]


class RouterData(msgspec.Struct, rename="camel"):
    """The page that an event comes from."""

    pathname: str = "/"
    as_path: str = "/"
    query: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])


class EventPacket(msgspec.Struct):
    """An event as the browser sends it."""

    name: str
    payload: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    router_data: RouterData = msgspec.field(default_factory=RouterData)


class ConnectPacket(msgspec.Struct):
    """The packet that opens a connection, with its first event."""

    event: EventPacket | None = None
    state_schema: str | None = None


@dataclass(frozen=True)
class HandlerSignature:
    """The arguments a handler takes, by name, with their types."""

    types: Mapping[str, Any]
    required: frozenset[str]

    @classmethod
    def of(cls, handler: Callable[..., Any]) -> "HandlerSignature":
        hints = typing.get_type_hints(handler)
        _, *parameters = inspect.signature(handler).parameters.values()
        return cls(
            {parameter.name: hints.get(parameter.name, Any) for parameter in parameters},
            frozenset(
                parameter.name for parameter in parameters if parameter.default is parameter.empty
            ),
        )

    def fits(self, payload: Mapping[str, Any]) -> bool:
        if not self.required <= payload.keys() <= self.types.keys():
            return False
        try:
            for name, value in payload.items():
                msgspec.convert(value, self.types[name])
        except msgspec.ValidationError:
            return False
        return True


class EventFilter:
    """Decides which frames pass.

    `handlers` are the allowed events by name; `storage_states` are the names of the states of which
    a browser may send back a stored part.
    """

    def __init__(
        self, handlers: Mapping[str, Callable[..., Any]], storage_states: frozenset[str]
    ) -> None:
        self._events = {name: HandlerSignature.of(handler) for name, handler in handlers.items()}
        self._storage_states = storage_states

    def verdict_on(self, message: Mapping[str, Any]) -> Verdict:
        """What to do with a message from the websocket."""
        if message["type"] != "websocket.receive":
            return "pass"
        frame = message.get("text")
        if frame is None or len(frame) > MAX_FRAME_LENGTH:
            return "close"
        try:
            return self._verdict_on_frame(frame)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return "close"

    def _verdict_on_frame(self, frame: str) -> Verdict:
        if frame in {HEARTBEAT, CLOSE, DISCONNECT}:
            return "pass"
        if frame.startswith(CONNECT):
            connect = msgspec.json.decode(frame[len(CONNECT) :] or "{}", type=ConnectPacket)
            return "pass" if connect.event is None or self._allows(connect.event) else "close"
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
                packet = msgspec.json.decode(rest[0], type=EventPacket)
                return "pass" if self._allows(packet) else "drop"
            case _:
                return "close"

    def _allows(self, packet: EventPacket) -> bool:
        signature = self._events.get(packet.name)
        return (
            signature is not None
            and signature.fits(packet.payload)
            and self._allows_storage(packet.payload)
        )

    def _allows_storage(self, payload: Mapping[str, Any]) -> bool:
        """Whether all stored values in the payload belong to states that a browser may store."""
        stored = payload.get("vars") or {}
        return stored.keys() <= self._storage_states and all(
            isinstance(value, str) for value in stored.values()
        )


class SocketGuard:
    """ASGI middleware that applies the filter to websockets."""

    def __init__(self, app: ASGIApp, event_filter: EventFilter) -> None:
        self._app = app
        self._event_filter = event_filter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        if not CLIENT_TOKEN.search(scope["query_string"]):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        warned = False

        async def receive_allowed() -> Message:
            nonlocal warned
            while True:
                message = await receive()
                verdict = self._event_filter.verdict_on(message)
                if verdict == "pass":
                    return message
                if not warned:
                    # Logged once per connection, and without the content, which is untrusted.
                    log.warning("A page's websocket brought what no page would send")
                    warned = True
                if verdict == "close":
                    return {"type": "websocket.disconnect", "code": 1008}

        await self._app(scope, receive_allowed, send)


def allowed_events() -> dict[str, Callable[..., Any]]:
    """Every event that pages may send: the handlers of our states, and Reflex's at a page load.

    `setvar` is left out: with it a page could set any variable of its state.
    """
    from reflex_base.registry import RegistrationContext

    return {
        name: registered.handler.fn
        for name, registered in RegistrationContext.get().event_handlers.items()
        for action in [name.rpartition(".")[2]]
        if action in PAGE_LOAD_EVENTS or ("web___" in name and action != "setvar")
    }


def browser_storage_states() -> frozenset[str]:
    """The full names of our states of which a browser stores a part."""
    from reflex.compiler.utils import compile_client_storage
    from reflex.state import State

    stores = compile_client_storage(State).values()
    return frozenset(name for store in stores for name in store)
