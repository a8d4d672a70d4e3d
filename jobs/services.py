"""The services of the worker: all of the product's, and those that call models."""

from functools import cached_property

from domain.chat.service import TURN_S, ChatService
from domain.chat.web import WebSearch, open_web_search
from domain.generation.service import GenerationService
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.llm.openrouter import OpenRouter
from domain.payments.reconciliation import Reconciliation
from domain.payments.refunds import Refunds
from domain.services import Services
from domain.spending.alerts import Alerts
from domain.spending.channels import channels_of


class WorkerServices(Services):
    """Apart from `Services` because the API must not import LangGraph, which the agent needs."""

    turn_s: float = TURN_S
    """How long a turn of a chat may take."""

    async def close(self) -> None:
        await self.openrouter.close()
        await super().close()

    @cached_property
    def limiter(self) -> RateLimiter:
        """On the worker's own connections: a job may wait longer for Redis than a request."""
        return RateLimiter(self.redis, Policies(self.settings))

    @cached_property
    def openrouter(self) -> OpenRouter:
        return OpenRouter(
            states_costs=self.settings.model_prices is None,
            base_url=self.settings.openrouter_base_url,
            api_key=self.settings.openrouter_api_key or "",
            site_url=self.settings.site_url,
        )

    @cached_property
    def generation(self) -> GenerationService:
        return GenerationService(self.database.sessions, self.openrouter, self.redis, self.limiter)

    @cached_property
    def web_search(self) -> WebSearch | None:
        return open_web_search(self.settings)

    @cached_property
    def chat(self) -> ChatService:
        return ChatService(
            self.database.sessions,
            self.openrouter,
            self.redis,
            self.limiter,
            self.admission,
            self.factoids,
            self.web_search,
            site_url=self.settings.site_url,
            turn_s=self.turn_s,
        )

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.database.sessions, channels_of(self.settings))

    @cached_property
    def reconciliation(self) -> Reconciliation:
        return Reconciliation(self.database.sessions, self.payments)

    @cached_property
    def refunds(self) -> Refunds:
        return Refunds(self.database.sessions, self.payments)
