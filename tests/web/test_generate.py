"""Following a generation, with the real API and Redis; the test acts as the worker."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from reflex.event import Event
from reflex.istate.manager.memory import StateManagerMemory
from reflex_base.event.processor import BaseStateEventProcessor

from api.schemas.generation import GenerateIn
from domain.generation.kind import GENERATIONS
from domain.model_runs.event_log import EventWriter
from domain.model_runs.progress import ProgressWriter
from tests.factories import Factories
from tests.web.conftest import router_data
from web.app import app as pages
from web.client.api import ApiClient
from web.generate.state import GenerateState

pytestmark = pytest.mark.usefixtures("connected")

TOKEN = "token-of-the-page"


class OpenPage:
    """An open page: sends events, and keeps the state that it receives as changes."""

    def __init__(self, processor: BaseStateEventProcessor, cookie: str) -> None:
        self.state: dict[str, Any] = {}
        self.drafts: list[str] = []
        self.changed = asyncio.Condition()
        self._processor = processor
        self._cookie = cookie

    async def send(self, event: Any) -> None:
        """Send an event and apply every change until its chain of events has ended."""
        spec = Event.from_event_type(event)[0]
        spec = replace(spec, router_data=router_data(self._cookie, token=TOKEN))
        async for delta in self._processor.enqueue_stream_delta(TOKEN, spec):
            change = delta.get(GenerateState.get_full_name(), {})
            async with self.changed:
                for name, value in change.items():
                    self.state[name.removesuffix("_rx_state_")] = value
                if draft := change.get("draft_rx_state_"):
                    self.drafts.append(draft)
                self.changed.notify_all()

    async def wait_for(self, **expected: Any) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(
                lambda: all(self.state.get(name) == value for name, value in expected.items())
            )


@asynccontextmanager
async def an_open_page(cookie: str) -> AsyncGenerator[OpenPage]:
    processor = BaseStateEventProcessor()
    namespace = pages.event_namespace
    assert namespace
    await namespace._token_manager.link_token_to_sid(TOKEN, "sid")
    async with processor.configure(state_manager=StateManagerMemory()):
        yield OpenPage(processor, cookie)
    await namespace._token_manager.disconnect_token(TOKEN, "sid")


@pytest.fixture
async def page(visitor: str, make: Factories) -> AsyncGenerator[OpenPage]:
    await make.model()
    async with an_open_page(visitor) as page:
        yield page


@pytest.fixture
def events(redis: Redis) -> EventWriter:
    return EventWriter(redis)


async def running(cookie: str) -> UUID:
    return (await ApiClient(cookie).generations())[0].id


async def write(events: EventWriter, generation: UUID, tokens: list[str]) -> None:
    progress = ProgressWriter(events, GENERATIONS, generation)
    await progress.status("writing", "Writing")
    for token in tokens:
        await progress.write("token", {"text": token})
    await progress.status("checking", "Checking that it is new")


async def test_the_draft_is_shown_while_it_is_written_and_removed_when_cancelled(
    page: OpenPage, visitor: str, events: EventWriter
):
    starting = asyncio.create_task(page.send(GenerateState.start({"topic": " owls ", "model": ""})))
    await page.wait_for(busy=True, stage="queued", topic="owls")
    await write(events, await running(visitor), ["Owls cannot ", "roll their eyes. ", "They"])
    await page.wait_for(stage="checking", draft="Owls cannot roll their eyes. They")
    assert page.state["spoken"] == "Owls cannot roll their eyes."

    await page.send(GenerateState.cancel)
    await page.wait_for(busy=False, draft="")
    await starting

    assert page.state["refusal"].code == "cancelled"


async def test_a_page_that_comes_back_finds_its_running_generation(
    page: OpenPage, visitor: str, events: EventWriter
):
    begun = await ApiClient(visitor).generate(GenerateIn(topic="whales"))
    await write(events, begun.id, ["Whales ", "sing."])

    watching = asyncio.create_task(page.send(GenerateState.resume))
    await page.wait_for(busy=True, topic="whales", draft="Whales sing.")

    await ApiClient(visitor).cancel(begun.id)
    await page.wait_for(busy=False)
    await watching


async def test_a_page_that_comes_back_after_the_end_shows_how_it_ended(
    page: OpenPage, visitor: str, events: EventWriter
):
    begun = await ApiClient(visitor).generate(GenerateIn())
    watching = asyncio.create_task(page.send(GenerateState.resume))
    await page.wait_for(busy=True)
    namespace = pages.event_namespace
    assert namespace
    await namespace._token_manager.disconnect_token(TOKEN, "sid")
    await write(events, begun.id, ["Nobody reads this."])
    await watching

    await ApiClient(visitor).cancel(begun.id)
    await namespace._token_manager.link_token_to_sid(TOKEN, "sid")
    await page.send(GenerateState.resume)

    assert page.state["busy"] is False
    assert page.state["refusal"].code == "cancelled"


async def test_watching_ends_when_the_page_is_closed(
    page: OpenPage, visitor: str, events: EventWriter
):
    begun = await ApiClient(visitor).generate(GenerateIn())
    watching = asyncio.create_task(page.send(GenerateState.resume))
    await page.wait_for(busy=True)

    namespace = pages.event_namespace
    assert namespace
    await namespace._token_manager.disconnect_token(TOKEN, "sid")
    await write(events, begun.id, ["Nobody reads this."])
    async with asyncio.timeout(10):
        await watching

    assert page.drafts == []
    assert (await ApiClient(visitor).generation(begun.id)).status == "queued"


async def test_a_second_attempt_replaces_the_draft(
    page: OpenPage, visitor: str, events: EventWriter
):
    begun = await ApiClient(visitor).generate(GenerateIn())
    await write(events, begun.id, ["The first try."])
    await write(events, begun.id, ["The second."])

    watching = asyncio.create_task(page.send(GenerateState.resume))
    await page.wait_for(draft="The second.", stage="checking")
    await ApiClient(visitor).cancel(begun.id)
    await watching


@pytest.mark.parametrize(
    "form", [None, {"topic": {"a": 1}, "model": 3}, {"topic": "x" * 5_000}, {"model": "no/such"}]
)
async def test_any_form_ends_in_a_refusal_or_a_generation(page: OpenPage, visitor: str, form: Any):
    starting = asyncio.create_task(page.send(GenerateState.start(form)))
    async with asyncio.timeout(10), page.changed:
        await page.changed.wait_for(
            lambda: page.state.get("refusal") or page.state.get("stage") == "queued"
        )
    for generation in await ApiClient(visitor).generations():
        await ApiClient(visitor).cancel(generation.id)
    await starting

    assert page.state["busy"] is False
    assert page.state["refusal"].title
