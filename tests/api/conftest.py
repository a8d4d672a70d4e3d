"""Fixtures of the tests of the API alone."""

import pytest

from db.repositories.quotes import QuoteReads
from domain.generation.quotes import Lately, Quotes
from domain.spending.budget import Budget, BudgetLimits
from settings import settings


@pytest.fixture
def own_quotes(app, database, monkeypatch):
    """The API knows nothing of the requests of other tests."""
    guards = (app.state.catalogue, app.state.limiter, Budget(BudgetLimits.of(settings)))
    lately = Lately(QuoteReads(database.reads))
    monkeypatch.setattr(app.state, "quotes", Quotes(database.sessions, *guards, lately))
