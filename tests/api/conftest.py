"""Fixtures of the tests that generate factoids, and of those that need a running API."""

import pytest

from db.repositories.quotes import QuoteReads
from domain.generation.quotes import Lately, Quotes
from domain.spending.budget import Budget, BudgetLimits
from settings import settings
from tests.chatting import chatting, searching, tavily
from tests.generating import generating, impatient, model, standin, started_standin
from tests.serving import served
from tests.shopping import buyer, shop, shop_api, started_stripe, stripe_standin

__all__ = [
    "buyer",
    "chatting",
    "generating",
    "impatient",
    "model",
    "searching",
    "served",
    "shop",
    "shop_api",
    "standin",
    "started_standin",
    "started_stripe",
    "stripe_standin",
    "tavily",
]


@pytest.fixture
def own_quotes(app, database, monkeypatch):
    """The API knows nothing of the requests of other tests."""
    guards = (app.state.catalogue, app.state.limiter, Budget(BudgetLimits.of(settings)))
    lately = Lately(QuoteReads(database.reads))
    monkeypatch.setattr(app.state, "quotes", Quotes(database.sessions, *guards, lately))
