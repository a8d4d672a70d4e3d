"""Maps factoids, votes and feedback to response schemas."""

from api.decimals import plain_decimal
from api.schemas.factoids import CategoryOut, FactoidOut, FeedbackOut, TallyOut, TextPart
from db.models import Feedback
from db.repositories.factoids import MATCH_END, MATCH_START, FactoidCard
from domain.factoids.categories import CATEGORY_LABELS, Category
from domain.factoids.votes import VoteCount


def factoid_out(card: FactoidCard, site_url: str) -> FactoidOut:
    # With more than 15 keywords CPython collects them in a dictionary first, which makes building a
    # page take half as long again; the other fields are assigned.
    out = FactoidOut(
        id=card.id,
        text=card.text,
        subject=card.subject,
        emoji=card.emoji,
        category=card.category,
        created_at=card.created_at,
        votes_up=card.votes_up,
        votes_down=card.votes_down,
        score=card.votes_up - card.votes_down,
        origin=card.origin,
        url=f"{site_url}/f/{card.id!s}",
        model=card.model,
        my_vote=card.my_vote or None,
        cost_usd=plain_decimal(card.cost_usd),
        highlighted=text_parts(card.marked) if card.marked else [],
    )
    out.prompt_tokens = card.prompt_tokens
    out.completion_tokens = card.completion_tokens
    out.generation_s = card.generation_s
    out.source_url = card.source_url
    return out


def text_parts(marked: str) -> list[TextPart]:
    """Split a text at the marks around its search matches."""
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


def category_out(category: Category, count: int) -> CategoryOut:
    emoji, label = CATEGORY_LABELS[category]
    return CategoryOut(category.value, label, emoji, count)
