"""The price of a new factoid, before it is asked for."""

from decimal import Decimal

from litestar import get
from litestar.di import NamedDependency

from api.controllers.factoids import ModelId
from api.decimals import plain_decimal
from api.schemas.quote import LeftAfterOut, LiveQuoteOut
from domain.caller import Caller
from domain.generation.quotes import GenerationQuote, GenerationQuotes


@get("/api/factoids/quote", operation_id="GetQuote", tags=["Generation"])
async def quote(
    caller: NamedDependency[Caller],
    quotes: NamedDependency[GenerationQuotes],
    model: ModelId = None,
) -> LiveQuoteOut:
    """What a new factoid would cost you now, how long it takes and what you have left after it."""
    return quote_out(await quotes.quote(caller, model))


def quote_out(quote: GenerationQuote) -> LiveQuoteOut:
    allowed = quote.reason is None
    worst_usd = quote.worst_case_usd if allowed else Decimal(0)
    return LiveQuoteOut(
        model=quote.model,
        name=quote.name,
        worst_case_usd=plain_decimal(quote.worst_case_usd),
        usual_usd=plain_decimal(quote.recent.cost_usd),
        expected_wait_s=quote.recent.wait_s,
        allowed=allowed,
        reason=quote.reason,
        credits_left=quote.credits_left,
        left_after=[
            LeftAfterOut(one.window.name, max(0, one.remaining - allowed)) for one in quote.windows
        ],
        budget_left_after_usd=plain_decimal(max(Decimal(0), quote.budget_left_usd - worst_usd)),
    )
