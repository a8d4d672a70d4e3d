"""What handlers may ask for: a transaction, a service, the caller."""

from collections.abc import AsyncGenerator
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncSession

from api.auth import provide_caller, reader_id
from api.middleware.idempotency import provide_attempt
from db.repositories.factoids import FactoidReads
from db.repositories.quotes import QuoteReads
from db.repositories.vault import VaultReads
from db.session import Database
from domain.accounts.recovery import Recovery
from domain.accounts.service import Accounts
from domain.chat.admission import Admission
from domain.chat.progress import TurnReader
from domain.chat.quotes import ChatQuotes
from domain.chat.sessions import Chats
from domain.chat.turns import ChatTurns
from domain.cursor import Cursors
from domain.factoids.service import FactoidService
from domain.factoids.vault import Vault
from domain.factoids.votes import VoteService
from domain.generation.progress import ProgressReader
from domain.generation.quotes import Lately, Quotes
from domain.generation.requests import GenerationRequests
from domain.idempotency import Repeats
from domain.infra.live import LiveHub
from domain.limits.anomalies import Anomalies
from domain.limits.captcha import open_captcha
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.limits.read_limiter import ReadPermits
from domain.limits.step_up import StepUp
from domain.llm.catalogue import CatalogueService
from domain.payments.analytics import Analytics
from domain.payments.checkouts import Checkouts
from domain.payments.post_purchase import Wishes
from domain.payments.products import products_of
from domain.payments.service import PaymentService
from domain.payments.stripe import open_stripe
from domain.spending.budget import Budget, BudgetLimits
from domain.spending.credits import CreditAccounts
from settings import settings


async def provide_session(state: State) -> AsyncGenerator[AsyncSession]:
    """Commit when the handler returns, roll back when it raises; before the answer is sent."""
    database: Database = state.database
    async with database.sessions.begin() as session:
        yield session


def provide_factoids(state: State) -> FactoidService:
    return state.factoids


class Reading(msgspec.Struct, frozen=True):
    """The factoids, and the visitor whose votes to show with them."""

    factoids: FactoidService
    reader_id: UUID | None


def reading_of(request: Request[Any, Any, Any]) -> Reading:
    """For the hot reads, which call it themselves: an injected dependency costs them as much as
    making their answer's rows.
    """
    return Reading(request.app.state.factoids, reader_id(request))


def provide_votes(
    session: NamedDependency[AsyncSession], limiter: NamedDependency[RateLimiter]
) -> VoteService:
    return VoteService(session, limiter)


def provide_vault(state: State) -> Vault:
    return state.vault


def provide_catalogue(state: State) -> CatalogueService:
    return state.catalogue


def provide_generations(state: State) -> GenerationRequests:
    return state.generations


def provide_limiter(state: State) -> RateLimiter:
    return state.limiter


def provide_quotes(state: State) -> Quotes:
    return state.quotes


def provide_progress(state: State) -> ProgressReader:
    return state.progress


def provide_accounts(state: State) -> Accounts:
    return state.accounts


def provide_step_up(state: State) -> StepUp:
    return state.step_up


def provide_credit_accounts(state: State) -> CreditAccounts:
    return state.credit_accounts


def provide_recovery(state: State) -> Recovery:
    return state.recovery


def provide_checkouts(state: State) -> Checkouts:
    return state.checkouts


def provide_payments(state: State) -> PaymentService:
    return state.payments


def provide_chats(state: State) -> Chats:
    return state.chats


def provide_turns(state: State) -> ChatTurns:
    return state.turns


def provide_turn_events(state: State) -> TurnReader:
    return state.turn_events


def provide_chat_quotes(state: State) -> ChatQuotes:
    return state.chat_quotes


def provide_redis(state: State) -> Redis:
    return state.redis


def provide_live(state: State) -> LiveHub:
    return state.live


def fill(state: State, database: Database, redis: Redis, for_limits: Redis) -> None:
    """Build the services a process needs once."""
    state.database = database
    state.redis = redis
    cursors = Cursors(*settings.server_secrets)
    state.factoids = FactoidService(FactoidReads(database.reads), cursors)
    state.vault = Vault(VaultReads(database.reads))
    state.catalogue = CatalogueService(database.sessions)
    state.limiter = RateLimiter(for_limits, Policies(settings))
    state.reads = ReadPermits(state.limiter)
    anomalies = Anomalies(for_limits)
    state.step_up = StepUp(
        for_limits,
        open_captcha(settings, for_limits),
        anomalies,
        after_refusals=settings.captcha_after_refusals,
    )
    guards = (state.catalogue, state.limiter, Budget(BudgetLimits.of(settings)))
    state.generations = GenerationRequests(database.sessions, *guards, state.step_up)
    lately = Lately(QuoteReads(database.reads))
    state.quotes = Quotes(database.sessions, *guards, lately)
    state.stripe = open_stripe(settings)
    state.recovery = Recovery(database.sessions, state.limiter)
    state.credit_accounts = CreditAccounts(database.sessions)
    state.payments = PaymentService(
        database.sessions,
        state.stripe,
        Analytics(database.sessions, settings),
        Wishes(database.sessions, state.generations),
        settings.webhook_secrets,
    )
    state.checkouts = Checkouts(
        database.sessions,
        state.payments,
        products_of(settings),
        state.limiter,
        state.catalogue,
    )
    state.progress = ProgressReader(redis, database.sessions)
    state.live = LiveHub(redis)
    state.chats = Chats(database.sessions, state.catalogue, state.factoids, cursors)
    admission = Admission(state.limiter, guards[2])
    talking = (database.sessions, state.chats, state.catalogue)
    state.turns = ChatTurns(
        *talking, state.factoids, admission, web=settings.tavily_api_key is not None
    )
    search_usd = settings.tavily_search_usd if settings.tavily_api_key else Decimal(0)
    state.chat_quotes = ChatQuotes(*talking, admission, search_usd=search_usd)
    state.turn_events = TurnReader(redis, database.sessions)
    state.repeats = Repeats(database.sessions, *settings.server_secrets)
    state.accounts = Accounts(database.sessions, state.register, settings.secret_key)


DEPENDENCIES: dict[str, Any] = {
    "accounts": Provide(provide_accounts, sync_to_thread=False),
    "session": Provide(provide_session),
    "caller": Provide(provide_caller, sync_to_thread=False),
    "attempt": Provide(provide_attempt, sync_to_thread=False),
    "factoids": Provide(provide_factoids, sync_to_thread=False),
    "votes": Provide(provide_votes, sync_to_thread=False),
    "vault": Provide(provide_vault, sync_to_thread=False),
    "catalogue": Provide(provide_catalogue, sync_to_thread=False),
    "generations": Provide(provide_generations, sync_to_thread=False),
    "limiter": Provide(provide_limiter, sync_to_thread=False),
    "quotes": Provide(provide_quotes, sync_to_thread=False),
    "credit_accounts": Provide(provide_credit_accounts, sync_to_thread=False),
    "recovery": Provide(provide_recovery, sync_to_thread=False),
    "checkouts": Provide(provide_checkouts, sync_to_thread=False),
    "payments": Provide(provide_payments, sync_to_thread=False),
    "progress": Provide(provide_progress, sync_to_thread=False),
    "step_up": Provide(provide_step_up, sync_to_thread=False),
    "chats": Provide(provide_chats, sync_to_thread=False),
    "turns": Provide(provide_turns, sync_to_thread=False),
    "turn_events": Provide(provide_turn_events, sync_to_thread=False),
    "chat_quotes": Provide(provide_chat_quotes, sync_to_thread=False),
    "redis": Provide(provide_redis, sync_to_thread=False),
    "live": Provide(provide_live, sync_to_thread=False),
}
