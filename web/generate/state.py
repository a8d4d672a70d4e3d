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
from api.schemas.problem import Problem
from web.client.api import ApiClient, ApiProblem, read
from web.client.session import api_for, page_is_open
from web.factoid.card import Card, all_categories, to_card
from web.generate.allowance import Allowance, as_counted
from web.generate.form import Trouble
from web.generate.on_payment import PaidWish
from web.generate.words import in_words
from web.ui.client_store import tell
from web.ui.draft import FLUSH_S, Draft, with_pauses
from web.ui.forms import fields_of, press_of, text_of

RETRIES_S = (0.3, 1.0, 2.0, 4.0)
"""How long to wait before joining a lost stream again."""
UNDER_WAY = ("queued", "running")
INSTEAD_OF = {402, 429}
"""A stored factoid is offered where a new one is refused so."""

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
    buy_href: str = "/pricing"
    """Where one is bought that was refused."""
    _generation: str = ""
    _run: int = 0
    """Counts the watchers: only the latest may write, so a second one ends the first."""

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
    async def show(self, generation_id: str):
        """Watch a generation of this visitor's, or show how it ended."""
        async with self:
            api = api_for(self)
        try:
            named = await api.generation(UUID(generation_id))
        except (ValueError, ApiProblem) as unknown:
            log.info("There is nothing to watch: %s", unknown)
            return
        async with self:
            self.topic = named.topic or ""
            if named.status not in UNDER_WAY:
                self._run += 1
            watch = self._run
        under_way = named.status in UNDER_WAY
        async for event in self._watch(named) if under_way else self._finish(watch, api, named):
            yield event

    @rx.event(background=True)
    async def start(self, form: Any):
        """Ask for a factoid; the API decides whether there may be one."""
        form = fields_of(form)
        topic, model = text_of(form.get("topic")), text_of(form.get("model"))
        by_credit = form.get("pay_with") == "credit"
        async with self:
            if self.busy:
                return
            self.busy, self.stage, self.stage_words = True, "asking", "Waking our AI overlords…"
            self.draft, self.spoken, self.trouble, self.result = "", "", None, []
            self.topic, self.buy_href = topic, PaidWish(True, topic, model).href
            api = api_for(self)
        yield tell("started", 0)
        try:
            wish = GenerateIn(
                topic=topic or None,
                model=model or None,
                pay_with="credit" if by_credit else "allowance",
                captcha_token=text_of(form.get("captcha_token")) or None,
            )
            begun = await api.generate(wish, press=press_of(form))
        except ApiProblem as refused:
            async for event in self._refused(refused.problem, by_credit=by_credit):
                yield event
            return
        yield tell("answered")
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

    @rx.event
    async def explain(self, wished: Any = None):
        """Say why there is none right now, to who presses before there is one again."""
        topic, model = (text_of(fields_of(wished).get(name)) for name in ("topic", "model"))
        self.buy_href = PaidWish(True, topic, model).href
        try:
            limits = as_counted(await api_for(self).limits())
        except ApiProblem as problem:
            return rx.toast.error(problem.problem.detail)
        window_s = max((one["reset_s"] for one in limits["windows"] if not one["left"]), default=0)
        if wait_s := max(window_s, limits["budget_s"]):
            code = "budget_used_up" if limits["budget_s"] else "generation_limit"
            self.result, self.trouble = [], in_words(code, "", offer=True, pay=True)
            return tell("wait", wait_s)
        return Allowance.look

    async def _refused(self, problem: Problem, *, by_credit: bool):
        """Say why there will be none, and what there is instead."""
        async with self:
            self.busy = False
            # An id helps to find what broke on our side; what was refused needs no looking for.
            reference = problem.request_id if problem.status >= 500 else ""
            offer = problem.status in INSTEAD_OF
            self.trouble = in_words(
                problem.code,
                problem.detail,
                problem.errors,
                reference,
                offer=offer,
                # Where a credit was refused another one would be, too.
                pay=offer and (not by_credit or problem.code == "no_credits"),
            )
        if problem.status < 500:
            yield tell("answered")
        yield tell("stopped")
        yield tell("wait", problem.retry_after_s or 0)
        yield Allowance.look

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
        async with self:
            if self._run != watch:
                return
            self.busy, self.stage, self.stage_words = False, "", ""
            self.draft, self.spoken, self._generation = "", "", ""
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
        yield Allowance.look


def ended_by(event: ServerSentEvent) -> FactoidOut | GenerationProblem:
    return read(event, FactoidOut) if event.event == "factoid" else read(event, GenerationProblem)


def seconds_since(moment: datetime) -> int:
    return max(0, int((datetime.now(UTC) - moment).total_seconds()))
