"""The state of the allowance: what is left for this visitor and what a factoid costs."""

import logging
from typing import Any

import reflex as rx

from api.schemas.generation import LimitsOut
from api.schemas.payments import ProductsOut
from web.client.api import ApiClient, ApiProblem
from web.client.payments import PaymentsClient
from web.generate.words import SPANS, QuoteView, model_text, to_quote_view
from web.ui.client_store import dispatch

log = logging.getLogger(__name__)

BUDGET_SPENT = "used_up"


class AllowanceState(rx.State):
    """The allowance beside the generate form. The browser counts it down, then refreshes it."""

    models: list[tuple[str, str]] = []
    quote: QuoteView | None = None
    credits_left: int = 0
    """Factoids that are paid for and not used yet."""
    pack: str = ""
    """The label of the offer to buy more; empty where nothing is sold."""
    _model: str = ""

    @rx.event
    async def load_allowance(self):
        """Load the models, the allowance, and the price of a factoid."""
        api = PaymentsClient.for_visitor(self)
        try:
            models = (await api.models()).items
            self.models = [(model.id, model_text(model)) for model in models]
        except ApiProblem as problem:
            log.warning("The models cannot be shown: %s", problem)
        try:
            self.pack = pack_text(await api.products())
        except ApiProblem as problem:
            log.warning("What can be bought cannot be shown: %s", problem)
        return await self._refresh(api)

    @rx.event
    async def refresh(self):
        """Load the allowance again."""
        return await self._refresh(ApiClient.for_visitor(self))

    @rx.event
    async def choose_model(self, model: Any):
        """Show the price of a factoid by this model."""
        self._model = model if isinstance(model, str) else ""
        self.quote = await _quote(ApiClient.for_visitor(self), self._model)

    async def _refresh(self, api: ApiClient):
        try:
            limits = await api.limits()
        except ApiProblem as problem:
            log.warning("What is left cannot be shown: %s", problem)
            return None
        self.credits_left = limits.credits_left
        self.quote = await _quote(api, self._model)
        captcha = limits.captcha
        required = {"provider": captcha.provider, "site_key": captcha.site_key} if captcha else None
        return [dispatch("setAllowance", countdown_data(limits)), dispatch("showCaptcha", required)]


async def _quote(api: ApiClient, model: str) -> QuoteView | None:
    try:
        return to_quote_view(await api.quote(model))
    except ApiProblem as problem:
        log.info("There is no quote: %s", problem)
        return None


def pack_text(products: ProductsOut) -> str:
    """The offer to buy more factoids."""
    packs = [product for product in products.products if product.key == "booster_pack"]
    if products.payments == "off" or not packs:
        return ""
    return f"Get {packs[0].credits} more for {packs[0].price}"


def countdown_data(limits: LimitsOut) -> dict[str, Any]:
    """The data of the browser's countdown: the windows of the limit, and the reset of a budget."""
    windows = [
        {"span": span(window.window_s), "left": window.remaining, "reset_s": window.reset_s}
        for policy in limits.policies
        if policy.policy == "generate"
        for window in policy.windows
    ]
    spent = limits.budget.state == BUDGET_SPENT
    return {"windows": windows, "budget_s": limits.budget.reset_s if spent else 0}


def span(window_s: int) -> str:
    return SPANS.get(window_s, f"per {window_s} s")
