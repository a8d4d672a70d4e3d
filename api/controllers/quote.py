"""Endpoint for the quote of a generation."""

from litestar import Controller, get
from litestar.di import NamedDependency

from api.guards import requires_scope
from api.mappers.generation import live_quote_out
from api.parameters import ModelId
from api.schemas.quote import LiveQuoteOut
from domain.caller import Caller
from domain.generation.quotes import GenerationQuotes


class QuoteController(Controller):
    path = "/api/factoids/quote"
    tags = ("Generation",)
    guards = (requires_scope("read"),)

    @get(operation_id="GetQuote")
    async def show(
        self,
        caller: NamedDependency[Caller],
        quotes: NamedDependency[GenerationQuotes],
        model: ModelId = None,
    ) -> LiveQuoteOut:
        """What a new factoid would cost you now, how long it takes and what you have left after
        it.
        """
        return live_quote_out(await quotes.quote(caller, model))
