"""The state of the generate form: requesting a factoid and following its generation."""

import logging
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import reflex as rx

from api.schemas.factoids import FactoidOut
from api.schemas.generation import (
    GenerateIn,
    GenerationOut,
    GenerationProblem,
    StatusEvent,
    TokenEvent,
)
from api.schemas.problem import Problem
from web.client.api import ApiClient, ApiProblem
from web.client.stream import Pause, follow
from web.factoid.card import Card, all_categories, to_card
from web.generate.allowance import AllowanceState, countdown_data
from web.generate.on_payment import GenerateOnPayment
from web.generate.updates import RUNNING_STATUSES, ended_generation, to_update
from web.generate.words import to_refusal
from web.ui.client_store import dispatch
from web.ui.forms import fields_of, idempotency_key_of, text_of
from web.ui.page_state import Watcher
from web.ui.refusal import RefusalView
from web.ui.streamed_text import FLUSH_S, StreamedText

VAULT_STATUSES = {402, 429}
"""HTTP statuses of refusals for which a stored factoid is offered."""

log = logging.getLogger(__name__)


class GenerateState(Watcher, rx.State):
    """The generate form and the running generation of this visitor."""

    busy: bool = False
    stage: str = ""
    stage_text: str = ""
    draft: str = ""
    spoken: str = ""
    """The complete sentences of the draft, for screen readers."""
    topic: str = ""
    result: list[Card] = []
    refusal: RefusalView | None = None
    buy_href: str = "/pricing"
    """The address at which the refused factoid can be bought."""
    _generation: str = ""

    @rx.event(background=True)
    async def resume(self):
        """Watch the generation again that was running when the page was left."""
        async with self:
            api = ApiClient.for_visitor(self)
        try:
            latest = await api.generations()
        except ApiProblem:
            return
        running = next((item for item in latest if item.status in RUNNING_STATUSES), None)
        if running is None:
            async with self:
                if not self.busy:
                    return
                run, watched = self._new_run(), self._generation
            # It ended between leaving the page and coming back.
            lost = GenerationProblem("connection_lost", "It ended while this page was away.")
            ended = next((item for item in latest if str(item.id) == watched), lost)
            async for event in self._finish(run, api, ended):
                yield event
            return
        async with self:
            self.topic = running.topic or ""
        async for event in self._watch(running):
            yield event

    @rx.event(background=True)
    async def show(self, generation_id: str):
        """Watch a generation of this visitor, or show how it ended."""
        async with self:
            api = ApiClient.for_visitor(self)
        try:
            generation = await api.generation(UUID(generation_id))
        except (ValueError, ApiProblem) as error:
            log.info("There is nothing to watch: %s", error)
            return
        running = generation.status in RUNNING_STATUSES
        async with self:
            self.topic = generation.topic or ""
            run = self._run if running else self._new_run()
        events = self._watch(generation) if running else self._finish(run, api, generation)
        async for event in events:
            yield event

    @rx.event(background=True)
    async def start(self, form: Any):
        """Request a factoid; the API decides whether it is allowed."""
        form = fields_of(form)
        topic, model = text_of(form.get("topic")), text_of(form.get("model"))
        by_credit = form.get("pay_with") == "credit"
        async with self:
            if self.busy:
                return
            self.busy, self.stage, self.stage_text = True, "asking", "Waking our AI overlords…"
            self.draft, self.spoken, self.refusal, self.result = "", "", None, []
            self.topic, self.buy_href = topic, GenerateOnPayment(True, topic, model).href
            api = ApiClient.for_visitor(self)
        yield dispatch("started", 0)
        try:
            request = GenerateIn(
                topic=topic or None,
                model=model or None,
                pay_with="credit" if by_credit else "allowance",
                captcha_token=text_of(form.get("captcha_token")) or None,
            )
            generation = await api.generate(request, key=idempotency_key_of(form))
        except ApiProblem as refusal:
            async for event in self._refused(refusal.problem, by_credit=by_credit):
                yield event
            return
        yield dispatch("answered")
        async for event in self._watch(generation):
            yield event

    @rx.event(background=True)
    async def cancel(self):
        """Cancel the generation; the API settles its cost so far."""
        async with self:
            if not self.busy or not self._generation:
                return
            self.stage, self.stage_text = "cancelling", "Stopping…"
            api, generation = ApiClient.for_visitor(self), self._generation
        try:
            ended = await api.cancel(UUID(generation))
        except ApiProblem as problem:
            yield rx.toast.error(problem.problem.detail)
            return
        async with self:
            if self._generation != generation or not self.busy:
                return
            run = self._new_run()
        async for event in self._finish(run, api, ended):
            yield event

    @rx.event
    def dismiss(self):
        """Close the finished factoid or the refusal."""
        self.result, self.refusal = [], None

    @rx.event
    async def explain(self, values: Any = None):
        """Show why none can be generated, after a press while none is left."""
        topic, model = (text_of(fields_of(values).get(name)) for name in ("topic", "model"))
        self.buy_href = GenerateOnPayment(True, topic, model).href
        try:
            limits = countdown_data(await ApiClient.for_visitor(self).limits())
        except ApiProblem as problem:
            return rx.toast.error(problem.problem.detail)
        used_up = [window["reset_s"] for window in limits["windows"] if not window["left"]]
        if wait_s := max([*used_up, limits["budget_s"]]):
            code = "budget_used_up" if limits["budget_s"] else "generation_limit"
            self.result = []
            self.refusal = to_refusal(code, "", offer_vault=True, offer_payment=True)
            return dispatch("wait", wait_s)
        return AllowanceState.refresh

    async def _refused(self, problem: Problem, *, by_credit: bool):
        """Show why none is generated, and what is offered instead."""
        offer = problem.status in VAULT_STATUSES
        async with self:
            self.busy = False
            self.refusal = to_refusal(
                problem.code,
                problem.detail,
                problem.errors,
                # The id finds a failure of ours in the logs; other refusals need none.
                problem.request_id if problem.status >= 500 else "",
                offer_vault=offer,
                # A request that was refused with a credit would be refused with another one, too.
                offer_payment=offer and (not by_credit or problem.code == "no_credits"),
            )
        if problem.status < 500:
            yield dispatch("answered")
        yield dispatch("stopped")
        yield dispatch("wait", problem.retry_after_s or 0)
        yield AllowanceState.refresh

    async def _watch(self, generation: GenerationOut):
        """Follow a generation to its end, through lost connections."""
        async with self:
            run = self._new_run()
            self._generation = str(generation.id)
            self.busy, self.refusal, self.result = True, None, []
            self.stage = generation.status
            self.stage_text = self.stage_text or "Waiting for an overlord…"
            api = ApiClient.for_visitor(self)
        yield dispatch("started", seconds_since(generation.created_at))
        ended: GenerationOut | FactoidOut | GenerationProblem = GenerationProblem(
            "connection_lost", "We lost sight of this fact while it was written."
        )
        text = StreamedText()
        following = follow(
            lambda after: api.follow_generation(generation.id, after=after),
            to_update,
            name=f"the generation {generation.id}",
            idle_s=FLUSH_S,
        )
        async with aclosing(following) as updates:
            async for update in updates:
                if isinstance(update, FactoidOut | GenerationProblem):
                    ended = update
                    break
                if not await self._progress(run, update, text):
                    return
                if update is Pause.DISCONNECTED and (
                    final := await ended_generation(api, generation.id)
                ):
                    ended = final
                    break
        async for event in self._finish(run, api, ended):
            yield event

    async def _progress(
        self, run: int, update: StatusEvent | TokenEvent | Pause | None, text: StreamedText
    ) -> bool:
        """Apply an update and show it when that is due; False if superseded or the page closed."""
        if isinstance(update, TokenEvent):
            text.append(update.text)
            if not text.flush_due():
                return True
        status = update if isinstance(update, StatusEvent) else None
        if status and status.state == "writing":
            text.clear()
        async with self:
            if not await self._is_current(run):
                return False
            if status:
                self.stage, self.stage_text = status.state, status.detail
            if self.draft != text.text:
                self.draft, self.spoken = text.text, text.sentences()
        return True

    async def _finish(
        self, run: int, api: ApiClient, ended: GenerationOut | FactoidOut | GenerationProblem
    ):
        """Show how the generation ended, and refresh the allowance."""
        factoid = ended.factoid if isinstance(ended, GenerationOut) else ended
        problem = ended.problem if isinstance(ended, GenerationOut) else ended
        if isinstance(factoid, FactoidOut):
            try:
                await all_categories(api)
            except ApiProblem as error:
                log.info("The card's category stays without its label: %s", error)
        async with self:
            if self._run != run:
                return
            self.busy, self.stage, self.stage_text = False, "", ""
            self.draft, self.spoken, self._generation = "", "", ""
            if isinstance(factoid, FactoidOut):
                self.result = [to_card(factoid)]
            elif isinstance(problem, GenerationProblem):
                self.refusal = to_refusal(problem.code, problem.detail)
            else:
                self.refusal = to_refusal("cancelled", "")
        yield dispatch("stopped")
        if isinstance(factoid, FactoidOut):
            yield dispatch("ownArrival", str(factoid.id))
        elif isinstance(problem, GenerationProblem):
            yield dispatch("wait", problem.retry_after_s or 0)
        yield AllowanceState.refresh


def seconds_since(moment: datetime) -> int:
    return max(0, int((datetime.now(UTC) - moment).total_seconds()))
