"""The generation that was ordered along with a purchase, paid with one of its credits."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import Checkout
from db.repositories.payments import CheckoutRepository
from domain.errors import DomainError
from domain.generation.input import GenerationInput
from domain.generation.requests import GenerationRequests
from domain.jobs import Job

BEGIN_POST_PURCHASE_GENERATION = Job(
    name="begin_post_purchase_generation",
    key="post-purchase",
    parameters=("checkout_id",),
    timeout_s=30,
)

GIVE_UP_AFTER = timedelta(hours=1)
RETRY_AFTER_S = 30

log = structlog.get_logger()


class PostPurchaseGeneration:
    """Starts each generation once, in one transaction with its checkout."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], requests: GenerationRequests
    ) -> None:
        self._sessions = sessions
        self._requests = requests

    async def start(self, session: AsyncSession, checkout: Checkout) -> None:
        """Start it now or, where that is impossible, schedule the job that retries.

        The checkout is already locked. This locks the budget's pots, for which many wait, so it
        is the last step of a transaction.
        """
        if not await self._try_to_start(session, checkout):
            await BEGIN_POST_PURCHASE_GENERATION.enqueue(session, checkout.id)

    async def abandon(self, session: AsyncSession, checkout: Checkout) -> None:
        """Never start it, even if refunded money should come back to us later."""
        checkouts = CheckoutRepository(session)
        await checkouts.change(checkout.id, generation_abandoned_at=datetime.now(UTC))
        log.error("post_purchase_generation_abandoned", checkout=str(checkout.id))

    async def retry(self, checkout_id: UUID) -> None:
        """Start what could not be started, within an hour and while all of it is paid for.

        After that it is abandoned; the buyer keeps the credit, and the page says so.
        """
        async with self._sessions.begin() as session:
            job, checkouts = BEGIN_POST_PURCHASE_GENERATION, CheckoutRepository(session)
            checkout = await checkouts.get(checkout_id, locked=True)
            if checkout is None or checkout.generation_request_id:
                await job.done(session, checkout_id)
                return
            expired = checkout.paid_at and checkout.paid_at < datetime.now(UTC) - GIVE_UP_AFTER
            if expired or checkout.revoked:
                await self.abandon(session, checkout)
                await job.done(session, checkout_id)
            elif await self._try_to_start(session, checkout):
                await job.done(session, checkout_id)
            else:
                await job.postpone(session, checkout_id, delay_s=RETRY_AFTER_S)

    async def _try_to_start(self, session: AsyncSession, checkout: Checkout) -> bool:
        request_id, inputs = uuid7(), GenerationInput(checkout.topic, checkout.model)
        await CheckoutRepository(session).change(checkout.id, generation_request_id=request_id)
        try:
            await self._requests.begin_on_credit(
                session, checkout.owner_id, inputs, request_id=request_id
            )
        except DomainError as refusal:
            await CheckoutRepository(session).change(checkout.id, generation_request_id=None)
            log.warning(
                "post_purchase_generation_deferred", checkout=str(checkout.id), code=refusal.code
            )
            return False
        return True
