"""Chats, answered against the stand-ins; fixtures for whoever imports them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec.structs import replace
from redis.asyncio import Redis
from sqlalchemy import text
from uuid_utils.compat import uuid7

from db.models import ChatCall, ChatTurn, LanguageModel
from db.repositories.chats import ChatTurnRepository
from db.repositories.factoids import FactoidReads
from db.session import Database
from domain.caller import Caller
from domain.chat import settlement
from domain.chat.admission import Admission
from domain.chat.progress import key_of
from domain.chat.quotes import ChatQuotes
from domain.chat.service import TURN_S, ChatService
from domain.chat.sessions import Chat, Chats
from domain.chat.turns import Asked, ChatTurns
from domain.chat.web import WebSearch
from domain.cursor import Cursors
from domain.factoids.service import FactoidService
from domain.idempotency import Attempt
from domain.limits.policies import Policies
from domain.limits.rate_limit import RateLimiter
from domain.llm import bills
from domain.llm.catalogue import CatalogueService
from domain.llm.openrouter import OpenRouter
from domain.spending.budget import Budget, BudgetLimits
from settings import settings
from tests.generating import MODEL, PATIENT
from tests.standins.openrouter.running import RunningOpenRouter
from tests.standins.tavily import TavilyStandIn, running_tavily

PLENTY = "1000/60"
SEARCH_USD = Decimal("0.008")


def visitor() -> Caller:
    return Caller("visitor", uuid4(), str(uuid4()))


def anew() -> Attempt:
    return Attempt(uuid7(), first=True)


class Chatting:
    """A worker's service in this process, a visitor, and what can be seen of their chats."""

    def __init__(
        self,
        database: Database,
        redis: Redis,
        standin: RunningOpenRouter,
        *,
        web: WebSearch | None = None,
        limits: BudgetLimits | None = None,
        turn_s: float = TURN_S,
        chat_limits: str = PLENTY,
    ) -> None:
        self.database = database
        self.redis = redis
        self.standin = standin
        self.caller = visitor()
        self.openrouter = OpenRouter(
            base_url=standin.base_url,
            api_key="test-key",
            site_url="http://factoids.test",
            patience=PATIENT,
        )
        self.limiter = limiter = RateLimiter(
            redis, Policies(replace(settings, chat_limits=chat_limits))
        )
        cursors = Cursors("secret")
        factoids = FactoidService(FactoidReads(database.reads), cursors)
        catalogue = CatalogueService(database.sessions)
        admission = Admission(limiter, Budget(limits or BudgetLimits.of(settings)))
        self.chats = Chats(database.sessions, catalogue, factoids, cursors)
        self.turns = ChatTurns(
            database.sessions, self.chats, catalogue, factoids, admission, web=web is not None
        )
        self.quotes = ChatQuotes(
            database.sessions,
            self.chats,
            catalogue,
            admission,
            search_usd=web.price_usd if web else Decimal(0),
        )
        self.service = ChatService(
            database.sessions,
            self.openrouter,
            redis,
            limiter,
            admission,
            factoids,
            web,
            site_url="http://factoids.test",
            turn_s=turn_s,
        )

    async def begin(self, factoid_id: UUID | None = None, model: str | None = MODEL) -> UUID:
        chat = await self.chats.create(
            self.caller, factoid_id=factoid_id, model=model, title=None, attempt=anew()
        )
        return chat.session.id

    async def send(self, chat_id: UUID, said: str, *, edit_of: UUID | None = None) -> Asked:
        """Write a message down; nobody answers it yet."""
        return await self.turns.send(self.caller, chat_id, said, edit_of=edit_of, attempt=anew())

    async def say(self, chat_id: UUID, said: str, *, edit_of: UUID | None = None) -> Chat:
        """Say something and have it answered and settled."""
        return await self.finish(await self.send(chat_id, said, edit_of=edit_of))

    async def finish(self, asked: Asked) -> Chat:
        """Work a turn off and settle it; where OpenRouter never tells, until we give up."""
        await self.service.run(asked.turn.id)
        await self.standin.wait_idle()
        for _ in range(5):
            if (await self.turn(asked.turn.id)).settled_at:
                return await self.chat(asked)
            await self.settle(asked.turn.id)
        async with self.database.sessions.begin() as session:
            await session.execute(text(f"UPDATE outbox SET offers = {bills.OFFERS_AT_MOST}"))
        await self.settle(asked.turn.id)
        return await self.chat(asked)

    async def settle(self, turn_id: UUID) -> None:
        await settlement.settle(self.database.sessions, self.openrouter, turn_id)

    async def chat(self, asked: Asked) -> Chat:
        return await self.chats.get(self.caller, asked.chat.session.id)

    async def turn(self, turn_id: UUID) -> ChatTurn:
        async with self.database.sessions() as session:
            turn = await ChatTurnRepository(session).get(turn_id)
        assert turn
        return turn

    async def calls(self, turn_id: UUID) -> list[ChatCall]:
        async with self.database.sessions() as session:
            return await ChatTurnRepository(session).calls(turn_id)

    async def told(self, turn_id: UUID) -> list[tuple[str, dict[str, Any]]]:
        """The events of a turn, by name."""
        events = await self.redis.xrange(key_of(turn_id))
        return [(one[b"name"].decode(), msgspec.json.decode(one[b"data"])) for _, one in events]


@asynccontextmanager
async def chatting_with(
    database: Database, redis: Redis, standin: RunningOpenRouter, **options: Any
) -> AsyncGenerator[Chatting]:
    one = Chatting(database, redis, standin, **options)
    try:
        yield one
    finally:
        await one.openrouter.close()


@pytest.fixture
async def chatting(
    database: Database, redis: Redis, standin: RunningOpenRouter, model: LanguageModel
) -> AsyncGenerator[Chatting]:
    async with chatting_with(database, redis, standin) as one:
        yield one


@pytest.fixture
async def tavily() -> AsyncGenerator[TavilyStandIn]:
    async with running_tavily() as one:
        yield one


@pytest.fixture
async def searching(
    database: Database,
    redis: Redis,
    standin: RunningOpenRouter,
    model: LanguageModel,
    tavily: TavilyStandIn,
) -> AsyncGenerator[Chatting]:
    """As `chatting`, with the web to search."""
    web = WebSearch(base_url=tavily.base_url, api_key="tvly-test", price_usd=SEARCH_USD)
    async with chatting_with(database, redis, standin, web=web) as one:
        yield one
