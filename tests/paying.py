"""The stand-in for Stripe, for whoever imports these fixtures; its package tells how to use it."""

from collections.abc import AsyncGenerator

import pytest

from tests.standins.stripe import StripeStandIn, running_stripe


@pytest.fixture(scope="session")
async def started_stripe() -> AsyncGenerator[StripeStandIn]:
    async with running_stripe() as standin:
        yield standin


@pytest.fixture
async def stripe_standin(started_stripe: StripeStandIn) -> StripeStandIn:
    """The stand-in with a new account, which holds its events until a test delivers them."""
    await started_stripe.deliveries.settled()
    started_stripe.reset()
    return started_stripe
