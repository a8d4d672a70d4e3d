"""What is left for this visitor, and what the next factoid costs, before it is asked for."""

import logging
from typing import Any

import reflex as rx

from api.schemas.generation import LimitsOut
from api.schemas.payments import ProductsOut
from web.client.api import ApiClient, ApiProblem
from web.client.payments import payments_for
from web.client.session import api_for
from web.generate.form_parts import Quote
from web.generate.words import SPANS, model_words, quote_words
from web.ui.client_store import tell

log = logging.getLogger(__name__)

BUDGET_SPENT = "used_up"


class Allowance(rx.State):
    """Beside the generate form. The browser counts down by itself and asks again when it ends."""

    models: list[tuple[str, str]] = []
    quote: Quote | None = None
    credits_left: int = 0
    """Factoids that were paid for and not asked for yet."""
    pack: str = ""
    """What some more of them are offered with; empty where there are none to be bought."""
    _model: str = ""

    @rx.event
    async def open(self):
        """Show which models there are, how much is left, and what one costs."""
        api = payments_for(self)
        try:
            models = (await api.models()).items
            self.models = [(model.id, model_words(model)) for model in models]
        except ApiProblem as problem:
            log.warning("The models cannot be shown: %s", problem)
        try:
            self.pack = pack_words(await api.products())
        except ApiProblem as problem:
            log.warning("What can be bought cannot be shown: %s", problem)
        return await self._look(api)

    @rx.event
    async def look(self):
        """Show what is left now."""
        return await self._look(api_for(self))

    @rx.event
    async def choose(self, model: Any):
        """Show what a factoid by this model costs."""
        self._model = model if isinstance(model, str) else ""
        self.quote = await _quote(api_for(self), self._model)

    async def _look(self, api: ApiClient):
        try:
            limits = await api.limits()
        except ApiProblem as problem:
            log.warning("What is left cannot be shown: %s", problem)
            return None
        self.credits_left = limits.credits_left
        self.quote = await _quote(api, self._model)
        captcha = limits.captcha
        wanted = {"provider": captcha.provider, "site_key": captcha.site_key} if captcha else None
        return [tell("allow", as_counted(limits)), tell("captcha", wanted)]


async def _quote(api: ApiClient, model: str) -> Quote | None:
    try:
        return quote_words(await api.quote(model))
    except ApiProblem as problem:
        log.info("There is no quote: %s", problem)
        return None


def pack_words(products: ProductsOut) -> str:
    """What is offered to who has no more free ones."""
    packs = [one for one in products.products if one.key == "booster_pack"]
    if products.payments == "off" or not packs:
        return ""
    return f"Get {packs[0].credits} more for {packs[0].price}"


def as_counted(limits: LimitsOut) -> dict[str, Any]:
    """What the browser counts down: the windows of generating, and an empty budget's end."""
    windows = [
        {"span": span(one.window_s), "left": one.remaining, "reset_s": one.reset_s}
        for policy in limits.policies
        if policy.policy == "generate"
        for one in policy.windows
    ]
    spent = limits.budget.state == BUDGET_SPENT
    return {"windows": windows, "budget_s": limits.budget.reset_s if spent else 0}


def span(window_s: int) -> str:
    return SPANS.get(window_s, f"per {window_s} s")
