"""What changes for everybody goes straight to the browsers: one message to all open pages.

It never passes through a page's state, so it takes no lock and a vote costs 166 bytes.
"""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import reflex as rx
from httpx_sse import ServerSentEvent
from reflex.event import Event
from reflex.state import StateUpdate
from reflex.vars import VarData

from api.schemas.factoids import FactoidOut
from api.schemas.generation import LiveTally
from web.client.api import ApiClient, ApiProblem, read

WEB = Path(__file__).parents[1]
SCRIPTS = ("ui/client_store.js", "generate/generate.js", "account/identity.js", "chat/chat.js")
SCRIPT = "".join((WEB / name).read_text() for name in SCRIPTS)
"""The small store in the browser; `factoids` is its global name."""

RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""How long to wait before joining the live stream again; the last value repeats."""

log = logging.getLogger(__name__)


def seen(key: Any, name: str) -> rx.Var:
    """What the store holds under a key, as the variable `name`; inside `rx.memo` only."""
    store = "globalThis.factoids"
    hook = (
        f"const {name} = useSyncExternalStore({store}?.listen ?? (() => () => {{}}), "
        f"() => {store}?.get({rx.Var.create(key)!s}), () => undefined)"
    )
    imports = VarData(imports={"react": ["useSyncExternalStore"]}, hooks={hook: None})
    return rx.Var(name, _var_data=VarData.merge(_data(key), imports))


def latest(live: rx.Var, field: str, loaded: Any) -> Any:
    """The live value where there is one, else the one that came with the page."""
    expression = f"({live!s}?.{field} ?? {rx.Var.create(loaded)!s})"
    return rx.Var(expression, _var_data=_data(live, loaded))


def ask(function: str, *arguments: Any) -> Any:
    """What a function of the store says of these variables, as text to show."""
    expression = f'(globalThis.factoids?.{_called(function, arguments)} ?? "")'
    return rx.Var(expression, _var_data=_data(*arguments)).to(str)


def call(function: str, *arguments: Any) -> rx.Var[str]:
    """A call of the store with variables, for `rx.call_script` in an event trigger."""
    expression = f"factoids.{_called(function, arguments)}"
    return rx.Var(expression, _var_data=_data(*arguments)).to(str)


def feed_at(**wish: Any) -> Any:
    """The feed's address for these variables; the empty ones are left out."""
    said = ", ".join(f"{name}: {rx.Var.create(value)!s}" for name, value in wish.items())
    query = f"new URLSearchParams(Object.entries({{{said}}}).filter(([, value]) => value))"
    return rx.Var(f'("/?" + {query})', _var_data=_data(*wish.values())).to(str)


def _called(function: str, arguments: tuple[Any, ...]) -> str:
    return f"{function}({', '.join(str(rx.Var.create(one)) for one in arguments)})"


def _data(*variables: Any) -> VarData | None:
    """What the page must import and hook up for these variables."""
    return VarData.merge(*(rx.Var.create(one)._get_all_var_data() for one in variables))


def tell(function: str, *arguments: Any) -> Event:
    """A call of the store for a handler to return; plain values, safely quoted."""
    given = ", ".join(json.dumps(argument) for argument in arguments)
    payload = {"javascript_code": f"factoids.{function}({given})", "callback": None}
    return Event(name="_call_script", payload=payload)


def as_page_event(event: ServerSentEvent) -> Event | None:
    """What a live event means to a page; None for pings and what is not understood."""
    try:
        if event.event == "tally":
            tally = read(event, LiveTally)
            return tell("tally", str(tally.factoid_id), tally.votes_up, tally.votes_down)
        if event.event == "factoid":
            factoid = read(event, FactoidOut)
            return tell("arrived", str(factoid.id), factoid.category)
    except msgspec.MsgspecError:
        log.warning("A live event could not be read", extra={"event_name": event.event})
    return None


async def pump(app: rx.App) -> None:
    """Follow the API's live stream for as long as the process lives and pass it to all pages."""
    attempt = 0
    while True:
        try:
            async for event in ApiClient().live():
                attempt = 0
                page_event = as_page_event(event)
                if page_event and app.sio and app.event_namespace:
                    await app.sio.emit(
                        "event",
                        StateUpdate(events=[page_event]),
                        namespace=app.event_namespace.namespace,
                    )
        except ApiProblem as problem:
            if attempt == 0:
                log.warning("The live stream was lost: %s", problem)
        except Exception:
            # Whatever goes wrong with one message, the next one still has to reach the pages.
            log.exception("The live stream failed")
        await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
        attempt += 1
