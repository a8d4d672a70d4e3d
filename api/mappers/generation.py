"""Maps generation requests, quotes and language models to response schemas."""

from decimal import Decimal

from api.decimals import plain_decimal
from api.mappers.factoids import factoid_out
from api.schemas.generation import (
    GenerationOut,
    GenerationProblem,
    ModelOut,
    QuoteOut,
    ReceiptOut,
)
from api.schemas.quote import LeftAfterOut, LiveQuoteOut
from db.models import LanguageModel
from db.repositories.factoids import FactoidCard
from domain.chat.sessions import TOOLS
from domain.generation.failures import problem_of
from domain.generation.input import quote_usd
from domain.generation.quotes import GenerationQuote
from domain.generation.requests import GenerationState


def generation_out(
    state: GenerationState, factoid: FactoidCard | None, site_url: str
) -> GenerationOut:
    request = state.request
    finished = request.finished_at is not None
    return GenerationOut(
        id=request.id,
        status=request.status,  # pyright: ignore[reportArgumentType] - the table has a CHECK constraint
        topic=request.topic,
        created_at=request.created_at,
        stream_url=f"/api/factoids/generate/{request.id}/stream",
        quote=QuoteOut(model=request.model, worst_case_usd=plain_decimal(request.quote_usd)),
        receipt=ReceiptOut(
            model=request.model if state.calls else None,
            provider=request.provider,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.completion_tokens,
            cost_usd=plain_decimal(request.cost_usd),
            cost_source=request.cost_source,
            first_token_s=request.first_token_s,
            total_s=request.total_s,
            prompt_version=request.prompt_version,
            calls=len(state.calls),
            credit=state.credit,  # pyright: ignore[reportArgumentType] - as with the status
        ),
        finished_at=request.finished_at,
        factoid=factoid_out(factoid, site_url) if factoid else None,
        problem=GenerationProblem(*problem_of(request)) if finished and not factoid else None,
    )


def model_out(model: LanguageModel) -> ModelOut:
    return ModelOut(
        id=model.id,
        name=model.name,
        prompt_usd=plain_decimal(model.prompt_usd),
        completion_usd=plain_decimal(model.completion_usd),
        request_usd=plain_decimal(model.request_usd),
        context_tokens=model.context_tokens,
        worst_case_usd=plain_decimal(quote_usd(model)),
        chats=TOOLS in model.parameters,
    )


def live_quote_out(quote: GenerationQuote) -> LiveQuoteOut:
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
            LeftAfterOut(state.window.name, max(0, state.remaining - allowed))
            for state in quote.windows
        ],
        budget_left_after_usd=plain_decimal(max(Decimal(0), quote.budget_left_usd - worst_usd)),
    )
