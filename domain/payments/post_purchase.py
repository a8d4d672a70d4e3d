"""The factoid that was wished for with a purchase, begun on one of the credits it brought."""

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
from domain.outbox import Job

BEGIN_POST_PURCHASE_GENERATION = Job(
    name="begin_post_purchase_generation",
    key="post-purchase",
    parameters=("checkout_id",),
    timeout_s=30,
)

TRIED_FOR = timedelta(hours=1)
AGAIN_AFTER_S = 30

log = structlog.get_logger()


class Wishes:
    """Each is begun once, in a transaction with the checkout that it belongs to."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], requests: GenerationRequests
    ) -> None:
        self._sessions = sessions
        self._requests = requests

    async def begin(self, session: AsyncSession, checkout: Checkout) -> None:
        """Begin it now or, where that cannot be, write down the job that tries again. The
        checkout is locked; many wait for what this locks, so it comes last.
        """
        if not await self._begin(session, checkout):
            await BEGIN_POST_PURCHASE_GENERATION.enqueue(session, checkout.id)

    async def give_up(self, session: AsyncSession, checkout: Checkout) -> None:
        """Begin it never: also when money that went back comes to us again, nobody waits for it."""
        checkouts = CheckoutRepository(session)
        await checkouts.change(checkout.id, generation_abandoned_at=datetime.now(UTC))
        log.error("wish_given_up", checkout=str(checkout.id))

    async def try_again(self, checkout_id: UUID) -> None:
        """Begin what could not be begun, for an hour and while all of it is paid for; then the
        credit is the buyer's to use, and they are told so.
        """
        async with self._sessions.begin() as session:
            job, checkouts = BEGIN_POST_PURCHASE_GENERATION, CheckoutRepository(session)
            checkout = await checkouts.get(checkout_id, locked=True)
            if checkout is None or checkout.generation_request_id:
                await job.done(session, checkout_id)
                return
            late = checkout.paid_at and checkout.paid_at < datetime.now(UTC) - TRIED_FOR
            if late or checkout.revoked:
                await self.give_up(session, checkout)
                await job.done(session, checkout_id)
            elif await self._begin(session, checkout):
                await job.done(session, checkout_id)
            else:
                await job.postpone(session, checkout_id, delay_s=AGAIN_AFTER_S)

    async def _begin(self, session: AsyncSession, checkout: Checkout) -> bool:
        request_id, inputs = uuid7(), GenerationInput(checkout.topic, checkout.model)
        await CheckoutRepository(session).change(checkout.id, generation_request_id=request_id)
        try:
            await self._requests.begin_on_credit(
                session, checkout.owner_id, inputs, request_id=request_id
            )
        except DomainError as refusal:
            await CheckoutRepository(session).change(checkout.id, generation_request_id=None)
            log.warning("wish_waits", checkout=str(checkout.id), code=refusal.code)
            return False
        return True
