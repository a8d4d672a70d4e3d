"""Endpoint for the credits of a caller."""

from litestar import Controller, get
from litestar.di import NamedDependency

from api.guards import requires_scope
from api.mappers.payments import balance_out, entry_out
from api.schemas.credits import CreditsOut
from domain.caller import Caller
from domain.spending.credits import CreditAccounts


class CreditController(Controller):
    path = "/api/payments/credits"
    tags = ("Payments",)
    guards = (requires_scope("read"),)

    @get(operation_id="GetCredits")
    async def show(
        self, caller: NamedDependency[Caller], credit_accounts: NamedDependency[CreditAccounts]
    ) -> CreditsOut:
        """Your credits and their history. An API key sees those of the visitor who made it."""
        account = await credit_accounts.of(caller)
        return CreditsOut(
            balances=[balance_out(balance) for balance in account.balances],
            history=[entry_out(entry) for entry in account.history],
        )
