"""The client's methods for payments, credits and recovery links."""

from collections.abc import AsyncGenerator
from uuid import UUID

from httpx_sse import ServerSentEvent

from api.schemas.credits import CreditsOut
from api.schemas.payments import CheckoutIn, CheckoutOut, CheckoutsOut, ProductsOut
from api.schemas.recovery import RecoveryOut
from web.client.api import ApiClient


class PaymentsClient(ApiClient):
    """Calls the API for a visitor's purchases and credits."""

    async def products(self) -> ProductsOut:
        return await self._get("/api/payments/products", ProductsOut)

    async def start_checkout(self, purchase: CheckoutIn, key: str = "") -> CheckoutOut:
        """Start a payment; the same idempotency key again returns the first payment."""
        path = "/api/payments/checkout"
        return await self._call("POST", path, CheckoutOut, body=purchase, key=key)

    async def checkout(self, checkout_id: UUID) -> CheckoutOut:
        return await self._get(f"/api/payments/checkout/{checkout_id}", CheckoutOut)

    def follow_checkout(
        self, checkout_id: UUID, after: str = ""
    ) -> AsyncGenerator[ServerSentEvent]:
        """The events of a payment until it is finished, after the one with id `after`."""
        return self._stream(f"/api/payments/checkout/{checkout_id}/stream", after)

    async def checkouts(self) -> list[CheckoutOut]:
        """The visitor's own payments, newest first."""
        return (await self._get("/api/payments/checkouts", CheckoutsOut)).items

    async def recovery_link(self) -> RecoveryOut:
        """Create a link that makes another browser this visitor; it is returned only here."""
        return await self._call("POST", "/api/session/recovery", RecoveryOut)

    async def credits(self) -> CreditsOut:
        return await self._get("/api/payments/credits", CreditsOut)
