"""The factoid that was wished for with a purchase, begun on one of the credits it brought."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import Checkout
from db.repositories.outbox import OutboxRepository
from db.repositories.payments import CheckoutRepository
from domain.errors import DomainError
from domain.generation.input import GenerationInput
from domain.generation.requests import GenerationRequests
from domain.infra.logging import current_request_id

JOB = "begin_wished_generation"

TRIED_FOR = timedelta(hours=1)
AGAIN_AFTER_S = 30

log = structlog.get_logger()


def job_key(checkout_id: UUID) -> str:
    return f"wish:{checkout_id}"


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
            await OutboxRepository(session).add(
                JOB,
                job_key(checkout.id),
                checkout_id=str(checkout.id),
                meta={"request_id": current_request_id()},
            )

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
            checkouts, outbox = CheckoutRepository(session), OutboxRepository(session)
            checkout = await checkouts.get(checkout_id, locked=True)
            if checkout is None or checkout.generation_request_id:
                await outbox.done(job_key(checkout_id))
                return
            late = checkout.paid_at and checkout.paid_at < datetime.now(UTC) - TRIED_FOR
            if late or checkout.revoked:
                await self.give_up(session, checkout)
                await outbox.done(job_key(checkout_id))
            elif await self._begin(session, checkout):
                await outbox.done(job_key(checkout_id))
            else:
                await outbox.postpone(job_key(checkout_id), AGAIN_AFTER_S)

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
