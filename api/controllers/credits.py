"""What somebody has paid for and not used yet, and how it came to be."""

from litestar import get
from litestar.di import NamedDependency

from api.mappers.factoids import balance_out, entry_out
from api.schemas.credits import CreditsOut
from domain.caller import Caller
from domain.spending.credits import CreditAccounts


@get("/api/payments/credits", operation_id="GetCredits", tags=["Payments"])
async def credits(
    caller: NamedDependency[Caller], credit_accounts: NamedDependency[CreditAccounts]
) -> CreditsOut:
    """Your credits and their history. An API key sees those of the visitor who made it."""
    account = await credit_accounts.of(caller)
    return CreditsOut(
        balances=[balance_out(one) for one in account.balances],
        history=[entry_out(one) for one in account.history],
    )
