"""The composition root: every service of a process, wired from its settings.

`jobs/services.py` adds what only the worker needs.
"""

from decimal import Decimal
from functools import cached_property

from redis.asyncio import Redis

from db.models import ChatTurn, GenerationRequest
from db.repositories.factoids import FactoidReads
from db.repositories.quotes import QuoteReads
from db.repositories.vault import VaultReads
from db.session import Database, open_database
from domain.accounts.credential_cache import CredentialCache
from domain.accounts.recovery import Recovery
from domain.accounts.service import Accounts
from domain.chat.admission import Admission
from domain.chat.kind import CHAT_TURNS
from domain.chat.quotes import ChatQuotes
from domain.chat.sessions import Chats
from domain.chat.turns import ChatTurns
from domain.cursor import Cursors
from domain.factoids.service import FactoidService
from domain.factoids.vault import Vault
from domain.generation.kind import GENERATIONS
from domain.generation.quotes import GenerationQuotes, RecentMedians
from domain.generation.requests import GenerationRequests
from domain.idempotency import IdempotencyService
from domain.infra.live import LiveHub
from domain.infra.redis import open_redis, open_redis_for_limits
from domain.limits.anomalies import Anomalies
from domain.limits.captcha import open_captcha
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.limits.read_limiter import ReadLimiter
from domain.limits.step_up import StepUp
from domain.llm.catalogue import CatalogueService
from domain.model_runs.progress import ProgressReader
from domain.payments.analytics import Analytics
from domain.payments.checkouts import Checkouts
from domain.payments.post_purchase import PostPurchaseGeneration
from domain.payments.products import products_of
from domain.payments.service import PaymentService
from domain.payments.stripe import Stripe, open_stripe
from domain.spending.budget import Budget, BudgetLimits
from domain.spending.credits import CreditAccounts
from settings import Settings


class Services:
    """Every service of a process, each built when it is first used and then kept.

    A test or benchmark replaces a service by assigning another one before anything uses it.
    """

    database: Database
    redis: Redis
    limits_redis: Redis
    """Fails within a second: every request waits for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def open(self) -> None:
        """Connect to Postgres and Redis.

        Raises:
            OSError, asyncpg.PostgresError: Postgres cannot be reached or refuses.
        """
        self.database = await open_database(self.settings)
        self.redis = open_redis(self.settings.redis_url)
        self.limits_redis = open_redis_for_limits(self.settings.redis_url)

    async def close(self) -> None:
        if self.stripe:
            await self.stripe.close()
        await self.limits_redis.aclose()
        await self.redis.aclose()
        await self.database.close()

    @cached_property
    def credentials(self) -> CredentialCache:
        return CredentialCache(*self.settings.server_secrets)

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.database.sessions, self.credentials, self.settings.secret_key)

    @cached_property
    def recovery(self) -> Recovery:
        return Recovery(self.database.sessions, self.limiter)

    @cached_property
    def cursors(self) -> Cursors:
        return Cursors(*self.settings.server_secrets)

    @cached_property
    def factoids(self) -> FactoidService:
        return FactoidService(FactoidReads(self.database.reads), self.cursors)

    @cached_property
    def vault(self) -> Vault:
        return Vault(VaultReads(self.database.reads))

    @cached_property
    def live(self) -> LiveHub:
        return LiveHub(self.redis)

    @cached_property
    def idempotency(self) -> IdempotencyService:
        return IdempotencyService(self.database.sessions, *self.settings.server_secrets)

    @cached_property
    def limiter(self) -> RateLimiter:
        return RateLimiter(self.limits_redis, Policies(self.settings))

    @cached_property
    def read_limiter(self) -> ReadLimiter:
        return ReadLimiter(self.limiter)

    @cached_property
    def step_up(self) -> StepUp:
        return StepUp(
            self.limits_redis,
            open_captcha(self.settings, self.limits_redis),
            Anomalies(self.limits_redis),
            after_refusals=self.settings.captcha_after_refusals,
        )

    @cached_property
    def budget(self) -> Budget:
        return Budget(BudgetLimits.of(self.settings))

    @cached_property
    def catalogue(self) -> CatalogueService:
        return CatalogueService(self.database.sessions)

    @cached_property
    def generations(self) -> GenerationRequests:
        return GenerationRequests(
            self.database.sessions, self.catalogue, self.limiter, self.budget, self.step_up
        )

    @cached_property
    def progress(self) -> ProgressReader[GenerationRequest]:
        return ProgressReader(self.redis, self.database.sessions, GENERATIONS)

    @cached_property
    def quotes(self) -> GenerationQuotes:
        return GenerationQuotes(
            self.database.sessions,
            self.catalogue,
            self.limiter,
            self.budget,
            RecentMedians(QuoteReads(self.database.reads)),
        )

    @cached_property
    def admission(self) -> Admission:
        return Admission(self.limiter, self.budget)

    @cached_property
    def chats(self) -> Chats:
        return Chats(self.database.sessions, self.catalogue, self.factoids, self.cursors)

    @cached_property
    def turns(self) -> ChatTurns:
        return ChatTurns(
            self.database.sessions,
            self.chats,
            self.factoids,
            self.admission,
            web=self.settings.web_search,
        )

    @cached_property
    def turn_events(self) -> ProgressReader[ChatTurn]:
        return ProgressReader(self.redis, self.database.sessions, CHAT_TURNS)

    @cached_property
    def chat_quotes(self) -> ChatQuotes:
        return ChatQuotes(
            self.database.sessions,
            self.chats,
            self.catalogue,
            self.admission,
            search_usd=self.settings.tavily_search_usd if self.settings.web_search else Decimal(0),
        )

    @cached_property
    def stripe(self) -> Stripe | None:
        return open_stripe(self.settings)

    @cached_property
    def post_purchase(self) -> PostPurchaseGeneration:
        return PostPurchaseGeneration(self.database.sessions, self.generations)

    @cached_property
    def payments(self) -> PaymentService:
        return PaymentService(
            self.database.sessions,
            self.stripe,
            Analytics(self.database.sessions, self.settings),
            self.post_purchase,
            self.settings.webhook_secrets,
        )

    @cached_property
    def checkouts(self) -> Checkouts:
        return Checkouts(
            self.database.sessions,
            self.payments,
            products_of(self.settings),
            self.limiter,
            self.catalogue,
        )

    @cached_property
    def credit_accounts(self) -> CreditAccounts:
        return CreditAccounts(self.database.sessions)
