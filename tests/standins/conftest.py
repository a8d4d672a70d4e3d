"""Fixtures of the tests of the stand-ins themselves."""

from collections.abc import AsyncGenerator

import pytest
import stripe

from tests.standins.stripe import StripeStandIn
from tests.standins.stripe_client import client_for


@pytest.fixture
async def client(stripe_standin: StripeStandIn) -> AsyncGenerator[stripe.StripeClient]:
    async with client_for(stripe_standin.base_url, stripe_standin.key) as client:
        yield client
