"""Fixtures of the pages, connected to the real API in this process."""

from collections.abc import Iterator
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import reflex as rx
from litestar import Litestar

from api.visitor_cookie import VisitorTokens
from db.session import Database
from tests.configuration import settings
from web.client import api as client
from web.factoid import card as cards

S = TypeVar("S", bound=rx.State)


@pytest.fixture
def connected(app: Litestar, database: Database) -> Iterator[Litestar]:
    """The API that `ApiClient` calls, over an empty database."""
    client.use_app(app)
    # The categories are cached in the process; a test must not see another's.
    cards._categories.read_at = float("-inf")
    yield app
    client.use_app(None)


@pytest.fixture
def visitor() -> str:
    """A new visitor's cookie header."""
    return f"visitor={VisitorTokens(settings.secret_key).write(uuid4())}"


def router_data(cookie: str = "", path: str = "/", token: str = "token") -> dict[str, Any]:
    """The data that Reflex has of the page that sends an event."""
    pathname, _, query = path.partition("?")
    return {
        "pathname": pathname,
        "asPath": path,
        "query": dict(part.split("=", 1) for part in query.split("&") if part),
        "headers": {"cookie": cookie, "origin": "http://factoids.test"},
        "ip": "192.0.2.7",
        "token": token,
        "sid": "sid",
    }


def state_of(cls: type[S], cookie: str = "", path: str = "/") -> S:
    """A page's state as the server holds it, without a browser."""
    state: Any = cls.get_root_state()(_reflex_internal_init=True)  # pyright: ignore[reportCallIssue]
    state.router_data = state._update_router_vars(router_data(cookie, path), {})
    for name in cls.get_full_name().split(".")[1:]:
        state = state.substates[name]
    return state


def sent_script(outcome: Any) -> str:
    """The scripts that a handler sends to the browser, as one text."""
    sent = outcome if isinstance(outcome, list) else [outcome]
    return " ".join(
        str(getattr(event, "payload", None) or getattr(event, "args", "")) for event in sent
    )
