"""Fixtures of the tests of the API alone."""

import pytest

from tests.services import services_on


@pytest.fixture
def own_quotes(app, database, redis, monkeypatch):
    """The API knows nothing of the requests of other tests."""
    monkeypatch.setattr(app.state.services, "quotes", services_on(database, redis).quotes)
