"""Asking for a new factoid and watching it being written."""

import asyncio
import logging
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import reflex as rx
from httpx_sse import ServerSentEvent

from api.schemas.factoids import FactoidOut
from api.schemas.generation import (
    GenerateIn,
    GenerationOut,
    GenerationProblem,
    StatusEvent,
    TokenEvent,
)
from web.cards import Card, all_categories, to_card
from web.client import ApiClient, ApiProblem, read
from web.components.generate_form import Trouble
from web.drafts import FLUSH_S, Draft, with_pauses
from web.live import tell
from web.refusals import in_words, limit_words, model_words
from web.session import api_for, page_is_open

RETRIES_S = (0.3, 1.0, 2.0, 4.0)
"""How long to wait before joining a lost stream again."""
SHORT_WAIT_S = 90
"""A countdown up to this long is waited for; after longer ones the page is opened anew anyway."""
UNDER_WAY = ("queued", "running")

log = logging.getLogger(__name__)


class Generate(rx.State):
    """The generate form and the generation this visitor has under way."""

    busy: bool = False
    stage: str = ""
    stage_words: str = ""
    draft: str = ""
    spoken: str = ""
    """The whole sentences of the draft, for screen readers."""
    topic: str = ""
    result: list[Card] = []
    trouble: Trouble | None = None
    limits: str = ""
    models: list[tuple[str, str]] = []
    _generation: str = ""
    _run: int = 0
    """Counts the watchers: only the latest may write, so a second one ends the first."""

    @rx.event
    async def open(self):
        """Show which models there are and how much is left."""
        api = api_for(self)
        try:
            limits = (await api.limits()).limits
            models = (await api.models()).items
        except ApiProblem as problem:
            log.warning("The generate form is incomplete: %s", problem)
            return None
        self.limits = limit_words(limits)
        self.models = [(model.id, model_words(model)) for model in models]
        # A countdown that was running in this tab before a reload goes on.
        return tell("wait", max((one.reset_s for one in limits if not one.remaining), default=0))

    @rx.event(background=True)
    async def resume(self):
        """Find the generation that was under way when this page was left, and watch it again."""
        async with self:
            api = api_for(self)
        try:
            latest = await api.generations()
        except ApiProblem:
            return
        running = next((one for one in latest if one.status in UNDER_WAY), None)
        if running is None:
            async with self:
                if not self.busy:
                    return
                self._run += 1
                watch, watched = self._run, self._generation
            # It ended while nobody looked: between the old page and this one.
            lost = GenerationProblem("connection_lost", "It ended while this page was away.")
            ended = next((one for one in latest if str(one.id) == watched), lost)
            async for event in self._finish(watch, api, ended):
                yield event
            return
        async with self:
            self.topic = running.topic or ""
        async for event in self._watch(running):
            yield event

    @rx.event(background=True)
    async def start(self, form: Any):
        """Ask for a factoid; the API decides whether there may be one."""
        form = form if isinstance(form, dict) else {}
        topic, model = text_of(form.get("topic")), text_of(form.get("model"))
        async with self:
            if self.busy:
                return
            self.busy, self.stage, self.stage_words = True, "asking", "Waking our AI overlords…"
            self.draft, self.spoken, self.trouble, self.result = "", "", None, []
            self.topic = topic
            api = api_for(self)
        yield tell("started", 0)
        try:
            begun = await api.generate(GenerateIn(topic=topic or None, model=model or None))
        except ApiProblem as refused:
            problem, left = refused.problem, await _left(api)
            async with self:
                self.busy = False
                self.limits = left or self.limits
                # An id helps to find what broke on our side; what was refused needs no looking for.
                reference = problem.request_id if problem.status >= 500 else ""
                self.trouble = in_words(problem.code, problem.detail, problem.errors, reference)
            yield tell("stopped")
            wait_s = problem.retry_after_s or 0
            yield tell("wait", wait_s)
            if 0 < wait_s <= SHORT_WAIT_S:
                await self._refresh_limits(api, wait_s)
            return
        async for event in self._watch(begun):
            yield event

    @rx.event(background=True)
    async def cancel(self):
        """Stop the writing; what it cost until now is settled by the API."""
        async with self:
            if not self.busy or not self._generation:
                return
            self.stage, self.stage_words = "cancelling", "Stopping…"
            api, generation = api_for(self), self._generation
        try:
            ended = await api.cancel(UUID(generation))
        except ApiProblem as problem:
            yield rx.toast.error(problem.problem.detail)
            return
        async with self:
            if self._generation != generation or not self.busy:
                return
            self._run += 1
            watch = self._run
        async for event in self._finish(watch, api, ended):
            yield event

    @rx.event
    def dismiss(self):
        """Put the finished factoid or the refusal away."""
        self.result, self.trouble = [], None

    async def _refresh_limits(self, api: ApiClient, wait_s: int) -> None:
        """Say what there is again when the countdown ends, if somebody still looks."""
        await asyncio.sleep(wait_s)
        async with self:
            open_still = await page_is_open(self)
        left = await _left(api) if open_still else ""
        async with self:
            self.limits = left or self.limits

    async def _watch(self, generation: GenerationOut):
        """Follow a generation to its end and through lost connections."""
        async with self:
            self._run += 1
            watch = self._run
            self._generation = str(generation.id)
            self.busy, self.trouble, self.result = True, None, []
            self.stage = generation.status
            self.stage_words = self.stage_words or "Waiting for an overlord…"
            api = api_for(self)
        yield tell("started", seconds_since(generation.created_at))
        text, last_id, misses = Draft(), "", 0
        while misses <= len(RETRIES_S):
            try:
                following = api.follow(generation.id, after=last_id)
                async with aclosing(with_pauses(following, FLUSH_S)) as events:
                    async for event in events:
                        if event:
                            last_id, misses = event.id or last_id, 0
                        if event and event.event in ("factoid", "error"):
                            async for step in self._finish(watch, api, ended_by(event)):
                                yield step
                            return
                        if not await self._progress(watch, event or ServerSentEvent(), text):
                            return
            except (ApiProblem, msgspec.MsgspecError) as lost:
                log.info("The stream of %s was lost: %s", generation.id, lost)
            if not await self._progress(watch, ServerSentEvent(), text):
                return
            try:
                now = await api.generation(generation.id)
                if now.status not in UNDER_WAY:
                    async for step in self._finish(watch, api, now):
                        yield step
                    return
            except ApiProblem as lost:
                log.info("The generation %s could not be read: %s", generation.id, lost)
            await asyncio.sleep(RETRIES_S[min(misses, len(RETRIES_S) - 1)])
            misses += 1
        lost = GenerationProblem(
            "connection_lost", "We lost sight of this fact while it was written."
        )
        async for step in self._finish(watch, api, lost):
            yield step

    async def _progress(self, watch: int, event: ServerSentEvent, text: Draft) -> bool:
        """Take in an event and show it when it is time; False when nobody watches any more."""
        if event.event == "token":
            text.add(read(event, TokenEvent).text)
            if not text.due():
                return True
        status = read(event, StatusEvent) if event.event == "status" else None
        if status and status.state == "writing":
            text.restart()
        async with self:
            if self._run != watch or not await page_is_open(self):
                return False
            if status:
                self.stage, self.stage_words = status.state, status.detail
            if self.draft != text.whole:
                self.draft, self.spoken = text.whole, text.sentences()
        return True

    async def _finish(
        self, watch: int, api: ApiClient, ended: GenerationOut | FactoidOut | GenerationProblem
    ):
        """Show how it ended, and what is left."""
        factoid = ended.factoid if isinstance(ended, GenerationOut) else ended
        problem = ended.problem if isinstance(ended, GenerationOut) else ended
        if isinstance(factoid, FactoidOut):
            try:
                await all_categories(api)
            except ApiProblem as unnamed:
                log.info("The card's category stays without its label: %s", unnamed)
        left = await _left(api)
        async with self:
            if self._run != watch:
                return
            self.busy, self.stage, self.stage_words = False, "", ""
            self.draft, self.spoken, self._generation = "", "", ""
            self.limits = left or self.limits
            if isinstance(factoid, FactoidOut):
                self.result = [to_card(factoid)]
            elif isinstance(problem, GenerationProblem):
                self.trouble = in_words(problem.code, problem.detail)
            else:
                self.trouble = in_words("cancelled", "")
        yield tell("stopped")
        if isinstance(factoid, FactoidOut):
            yield tell("know", str(factoid.id))
        elif isinstance(problem, GenerationProblem):
            yield tell("wait", problem.retry_after_s or 0)


async def _left(api: ApiClient) -> str:
    """How much is left in words, or nothing when it cannot be told."""
    try:
        return limit_words((await api.limits()).limits)
    except ApiProblem:
        return ""


def ended_by(event: ServerSentEvent) -> FactoidOut | GenerationProblem:
    return read(event, FactoidOut) if event.event == "factoid" else read(event, GenerationProblem)


def text_of(value: Any) -> str:
    """The text in a form's field; a browser may have sent anything."""
    return value.strip() if isinstance(value, str) else ""


def seconds_since(moment: datetime) -> int:
    return max(0, int((datetime.now(UTC) - moment).total_seconds()))
