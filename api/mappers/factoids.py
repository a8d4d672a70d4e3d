"""Rows as the shapes on the wire."""

from decimal import Decimal
from typing import Any

from api.decimals import plain_decimal
from api.schemas.credits import BalanceOut, EntryOut
from api.schemas.factoids import FactoidOut, FeedbackOut, TallyOut, TextPart
from api.schemas.generation import (
    BudgetOut,
    GenerationOut,
    GenerationProblem,
    ModelOut,
    PolicyOut,
    QuoteOut,
    ReceiptOut,
    WindowOut,
)
from api.schemas.keys import KeyOut, KeyUsageOut, NewKeyOut
from api.schemas.payments import CheckoutOut, ProductOut
from api.schemas.problem import CaptchaOut
from db.models import Checkout, CreditEntry, Feedback, LanguageModel
from db.repositories.credits import CreditBalance
from db.repositories.factoids import MATCH_END, MATCH_START, FactoidCard
from domain.accounts.keys import prefix_of
from domain.accounts.service import NewKey, UsedKey
from domain.chat.sessions import TOOLS
from domain.factoids.votes import VoteCount
from domain.generation.failures import problem_of
from domain.generation.input import quote_usd
from domain.generation.requests import GenerationState
from domain.limits.captcha import Challenge
from domain.limits.states import PolicyState
from domain.payments.products import Product, price_text
from domain.spending.budget import BudgetState


def factoid_out(card: FactoidCard, site_url: str) -> FactoidOut:
    # At most fifteen keywords: beyond that CPython collects them in a dictionary first, which makes
    # a page of facts half as long again to build. The rest is assigned.
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


def generation_out(
    state: GenerationState, factoid: FactoidCard | None, site_url: str
) -> GenerationOut:
    request = state.request
    over = request.finished_at is not None
    return GenerationOut(
        id=request.id,
        status=request.status,  # pyright: ignore[reportArgumentType] - the table allows no other
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
        problem=GenerationProblem(*problem_of(request)) if over and not factoid else None,
    )


def policy_out(state: PolicyState) -> PolicyOut:
    return PolicyOut(
        policy=state.policy.name,
        windows=[
            WindowOut(
                name=one.window.name,
                limit=one.window.limit,
                window_s=one.window.window_s,
                remaining=one.remaining,
                reset_s=one.reset_s,
            )
            for one in state.windows
        ],
    )


def budget_out(budget: BudgetState) -> BudgetOut:
    return BudgetOut(
        state=budget.state,
        resets_at=budget.resets_at,
        reset_s=budget.reset_s,
        left_usd=plain_decimal(budget.left_usd),
    )


def captcha_out(challenge: Challenge | None) -> CaptchaOut | None:
    return CaptchaOut(challenge.provider, challenge.site_key) if challenge else None


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


def new_key_out(made: NewKey) -> NewKeyOut:
    key = made.key
    scopes: Any = key.scopes
    return NewKeyOut(
        key.id, made.token, key.name, scopes, key.last4, key.created_at, key.expires_at
    )


def key_out(used: UsedKey, usual_budget_usd: Decimal) -> KeyOut:
    key, today = used.key, used.today
    budget_usd = usual_budget_usd if key.budget_usd is None else key.budget_usd
    scopes: Any = key.scopes
    return KeyOut(
        id=key.id,
        name=key.name,
        prefix=prefix_of(key.id),
        last4=key.last4,
        scopes=scopes,
        created_at=key.created_at,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        usage=KeyUsageOut(
            today.generations, plain_decimal(today.spent_usd), plain_decimal(budget_usd)
        ),
    )


def product_out(product: Product) -> ProductOut:
    return ProductOut(
        key=product.key,
        name=product.name,
        description=product.description,
        amount=product.amount,
        currency=product.currency,
        price=product.price,
        credits=product.credits,
        unit=product.unit,
    )


def checkout_out(checkout: Checkout) -> CheckoutOut:
    product: Any = checkout.product
    status: Any = checkout.status
    return CheckoutOut(
        id=checkout.id,
        product=product,
        status=status,
        price=price_text(checkout.amount, checkout.currency),
        amount=checkout.amount,
        currency=checkout.currency,
        credits=checkout.credits,
        credits_revoked=checkout.revoked,
        created_at=checkout.created_at,
        url=checkout.url if checkout.status == "open" else None,
        paid_at=checkout.paid_at,
        paid=checkout.paid,
        paid_text=price_text(checkout.paid, checkout.currency),
        refunded=checkout.refunded,
        refunded_text=price_text(checkout.refunded, checkout.currency),
        topic=checkout.topic,
        wished=checkout.generate_on_payment,
        generation_request_id=checkout.generation_request_id,
        wish_given_up=checkout.generation_abandoned_at is not None,
    )


def balance_out(balance: CreditBalance) -> BalanceOut:
    product: Any = balance.product
    return BalanceOut(
        product=product,
        left=balance.left,
        held=balance.held,
        granted=balance.granted,
        used=balance.used,
        revoked=balance.revoked,
    )


def entry_out(entry: CreditEntry) -> EntryOut:
    kind: Any = entry.kind
    product: Any = entry.product
    moved = (entry.granted, entry.held, entry.used, entry.revoked)
    return EntryOut(
        at=entry.at,
        kind=kind,
        product=product,
        credits=max(abs(one) for one in moved),
        left_change=entry.granted - entry.held - entry.used - entry.revoked,
        checkout_id=entry.checkout_id,
        request_id=entry.request_id,
    )
