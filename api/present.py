"""Rows as the shapes on the wire."""

from api.schemas.factoids import FactoidOut, FeedbackOut, TallyOut, TextPart
from api.schemas.generation import (
    GenerationOut,
    GenerationProblem,
    LimitOut,
    ModelOut,
    QuoteOut,
    ReceiptOut,
)
from db.models import Feedback, LanguageModel
from db.repositories.factoids import MATCH_END, MATCH_START, FactoidCard
from domain.generation.progress import problem_of
from domain.generation.requests import GenerationState, quote_usd
from domain.limits.allowance import Allowance
from domain.votes import VoteCount
from settings import settings

PERMALINKS = f"{settings.site_url}/f/"


def factoid_out(card: FactoidCard) -> FactoidOut:
    # By position, in the order of the fields: with twenty names a page takes a tenth longer.
    return FactoidOut(
        card.id,
        card.text,
        card.subject,
        card.emoji,
        card.category,
        card.created_at,
        card.votes_up,
        card.votes_down,
        card.votes_up - card.votes_down,
        card.origin,
        f"{PERMALINKS}{card.id}",
        card.model,
        card.my_vote or None,
        card.cost_usd,
        card.prompt_tokens,
        card.completion_tokens,
        card.generation_s,
        card.source_url,
        text_parts(card.marked) if card.marked else [],
    )


def text_parts(marked: str) -> list[TextPart]:
    """A text with marks around its matches, cut at the marks."""
    parts: list[TextPart] = []
    for piece in marked.split(MATCH_START):
        match, end, rest = piece.partition(MATCH_END)
        if end:
            parts.append(TextPart(match, match=True))
        else:
            rest = match
        if rest:
            parts.append(TextPart(rest, match=False))
    return parts


def tally_out(count: VoteCount) -> TallyOut:
    return TallyOut(
        factoid_id=count.factoid_id,
        votes_up=count.votes_up,
        votes_down=count.votes_down,
        score=count.votes_up - count.votes_down,
        my_vote=count.my_vote,
    )


def feedback_out(feedback: Feedback) -> FeedbackOut:
    return FeedbackOut(
        id=feedback.id,
        factoid_id=feedback.factoid_id,
        created_at=feedback.created_at,
        vote=feedback.vote,
        comment=feedback.comment,
        tags=feedback.tags,
    )


def generation_out(state: GenerationState, factoid: FactoidCard | None) -> GenerationOut:
    request = state.request
    over = request.finished_at is not None
    return GenerationOut(
        id=request.id,
        status=request.status,  # pyright: ignore[reportArgumentType] - the table allows no other
        topic=request.topic,
        created_at=request.created_at,
        stream_url=f"/api/factoids/generate/{request.id}/stream",
        quote=QuoteOut(model=request.model, worst_case_usd=request.quote_usd),
        receipt=ReceiptOut(
            model=request.model if state.calls else None,
            provider=request.provider,
            prompt_tokens=request.prompt_tokens,
            completion_tokens=request.completion_tokens,
            cost_usd=request.cost_usd,
            cost_source=request.cost_source,
            first_token_s=request.first_token_s,
            total_s=request.total_s,
            prompt_version=request.prompt_version,
            calls=len(state.calls),
        ),
        finished_at=request.finished_at,
        factoid=factoid_out(factoid) if factoid else None,
        problem=GenerationProblem(*problem_of(request)) if over and not factoid else None,
    )


def limit_out(allowance: Allowance) -> LimitOut:
    return LimitOut(
        name=allowance.window.name,
        limit=allowance.window.limit,
        window_s=allowance.window.window_s,
        remaining=allowance.remaining,
        reset_s=allowance.reset_s,
    )


def model_out(model: LanguageModel) -> ModelOut:
    return ModelOut(
        id=model.id,
        name=model.name,
        prompt_usd=model.prompt_usd,
        completion_usd=model.completion_usd,
        request_usd=model.request_usd,
        context_tokens=model.context_tokens,
        worst_case_usd=quote_usd(model),
    )
