"""One example of every body on the wire, for the OpenAPI document."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from api import chat_examples, sse
from api.schemas.credits import BalanceOut, CreditsOut, EntryOut
from api.schemas.factoids import (
    CategoriesOut,
    CategoryOut,
    FactoidOut,
    FactoidPage,
    FeedbackIn,
    FeedbackOut,
    TallyOut,
    VoteIn,
)
from api.schemas.generation import (
    BudgetOut,
    GenerateIn,
    GenerationOut,
    GenerationsOut,
    LimitsOut,
    LiveTally,
    ModelOut,
    ModelsOut,
    PolicyOut,
    QuoteOut,
    ReceiptOut,
    StatusEvent,
    TokenEvent,
    WindowOut,
)
from api.schemas.health import LiveOut, ReadyOut
from api.schemas.keys import KeyIn, KeyOut, KeysOut, KeyUsageOut, NewKeyOut
from api.schemas.payments import CheckoutIn, CheckoutOut, CheckoutsOut, ProductOut, ProductsOut
from api.schemas.quote import LeftAfterOut, LiveQuoteOut
from api.schemas.recovery import RecoveredOut, RecoverIn, RecoveryOut

FACTOID_ID = UUID("019a4f3e-6b1c-7d20-9c41-5f0a8e2d7b13")
REQUEST_ID = UUID("019a4f3d-20aa-7c55-8f0e-3b9d6a41c2e7")
CHECKOUT_ID = UUID("019a4f3f-02d8-7c11-a5e6-2c8b40d97f65")
KEY_ID = UUID("019a4f3d-7e21-7b0a-8c35-91d2f4a6be08")
MOMENT = datetime(2026, 11, 20, 9, 0, 4, tzinfo=UTC)
MODEL = "openai/gpt-4o-mini"

FACTOID = FactoidOut(
    id=FACTOID_ID,
    text="Octopuses have three hearts, and two of them stop beating while they swim.",
    subject="Octopus hearts",
    emoji="🐙",
    category="ocean",
    created_at=MOMENT,
    votes_up=41,
    votes_down=3,
    score=38,
    origin="manual",
    url=f"https://factoids.example/f/{FACTOID_ID}",
    model=MODEL,
    my_vote=1,
    cost_usd=Decimal("0.0000831"),
    prompt_tokens=402,
    completion_tokens=38,
    generation_s=1.7,
)
GENERATION = GenerationOut(
    id=REQUEST_ID,
    status="succeeded",
    topic="octopuses",
    created_at=datetime(2026, 11, 20, 9, 0, 2, tzinfo=UTC),
    stream_url=f"/api/factoids/generate/{REQUEST_ID}/stream",
    quote=QuoteOut(model=MODEL, worst_case_usd=Decimal("0.00042")),
    receipt=ReceiptOut(
        model=MODEL,
        provider="OpenAI",
        prompt_tokens=402,
        completion_tokens=38,
        cost_usd=Decimal("0.0000831"),
        cost_source="usage",
        first_token_s=0.6,
        total_s=1.7,
        prompt_version="1",
        calls=1,
    ),
    finished_at=MOMENT,
    factoid=FACTOID,
)

CHECKOUT = CheckoutOut(
    id=CHECKOUT_ID,
    product="booster_pack",
    status="paid",
    price="$5.00",
    amount=500,
    currency="usd",
    credits=25,
    credits_revoked=0,
    created_at=MOMENT,
    paid_at=datetime(2026, 11, 20, 9, 1, 30, tzinfo=UTC),
    paid=500,
    topic="octopuses",
    wished=True,
    generation_request_id=REQUEST_ID,
)

RECOVERY = RecoveryOut(
    link="https://factoids.example/recover#5d1f09c2.6740d1f4.019a4f3e.q8mE",
    expires_at=datetime(2026, 12, 20, 9, 0, 4, tzinfo=UTC),
)

BODIES: dict[str, Any] = {
    type(body).__name__: body
    for body in (
        FACTOID,
        FactoidPage(items=[FACTOID], next_cursor="WyJuZXciLDE3NjM2MjkyMDRd.q8mEJ"),
        CategoriesOut([CategoryOut("ocean", "Ocean", "🌊", 12)]),
        VoteIn(value=1),
        TallyOut(FACTOID_ID, votes_up=42, votes_down=3, score=39, my_vote=1),
        FeedbackIn(factoid_id=FACTOID_ID, comment="I told everyone at dinner.", tags=["love-it"]),
        FeedbackOut(
            id=UUID("019a4f41-9d02-7a77-b0c3-64e1f5d8a920"),
            factoid_id=FACTOID_ID,
            created_at=MOMENT,
            vote=1,
            comment="I told everyone at dinner.",
            tags=["love-it"],
        ),
        GenerateIn(topic="octopuses"),
        GENERATION,
        LiveQuoteOut(
            model=MODEL,
            name="GPT-4o mini",
            worst_case_usd=Decimal("0.00042"),
            usual_usd=Decimal("0.0000831"),
            expected_wait_s=1.9,
            allowed=True,
            left_after=[LeftAfterOut("minute", 0), LeftAfterOut("hour", 2)],
            budget_left_after_usd=Decimal("0.0496"),
        ),
        GenerationsOut([GENERATION]),
        LimitsOut(
            [
                PolicyOut(
                    "generate", [WindowOut("minute", limit=1, window_s=60, remaining=0, reset_s=42)]
                )
            ],
            BudgetOut(
                "open",
                resets_at=datetime(2026, 11, 21, tzinfo=UTC),
                reset_s=53_996,
                left_usd=Decimal("0.2417"),
            ),
        ),
        ModelsOut(
            [
                ModelOut(
                    id=MODEL,
                    name="GPT-4o mini",
                    prompt_usd=Decimal("0.00000015"),
                    completion_usd=Decimal("0.0000006"),
                    request_usd=Decimal(0),
                    context_tokens=128_000,
                    worst_case_usd=Decimal("0.00042"),
                    chats=True,
                )
            ],
            fetched_at=MOMENT,
        ),
        KeyIn(name="my phone", scopes=["read", "generate"], expires_in_days=90),
        NewKeyOut(
            id=KEY_ID,
            token="adf_" + "…" * 71,
            name="my phone",
            scopes=["generate", "read"],
            last4="7Qwz",
            created_at=MOMENT,
            expires_at=datetime(2027, 2, 18, 9, 0, 4, tzinfo=UTC),
        ),
        KeysOut(
            [
                KeyOut(
                    id=KEY_ID,
                    name="my phone",
                    prefix="adf_02q4Ty8s",
                    last4="7Qwz",
                    scopes=["generate", "read"],
                    created_at=MOMENT,
                    expires_at=datetime(2027, 2, 18, 9, 0, 4, tzinfo=UTC),
                    last_used_at=None,
                    revoked_at=None,
                    usage=KeyUsageOut(
                        2, spent_today_usd=Decimal("0.00017"), budget_usd=Decimal("0.5")
                    ),
                )
            ]
        ),
        ProductsOut(
            "on",
            [
                ProductOut(
                    key="booster_pack",
                    name="Factoid Booster Pack",
                    description="25 new factoids about whatever you like.",
                    amount=500,
                    currency="usd",
                    price="$5.00",
                    credits=25,
                    unit="generations",
                )
            ],
        ),
        CheckoutIn(product="booster_pack", topic="octopuses"),
        CHECKOUT,
        CreditsOut(
            [BalanceOut("booster_pack", left=23, held=1, granted=25, used=1, revoked=0)],
            [
                EntryOut(MOMENT, "hold", "booster_pack", 1, -1, CHECKOUT_ID, REQUEST_ID),
                EntryOut(MOMENT, "grant", "booster_pack", 25, 25, CHECKOUT_ID),
            ],
        ),
        CheckoutsOut([CHECKOUT]),
        RECOVERY,
        RecoverIn(token="5d1f09c2.6740d1f4.019a4f3e.q8mE"),
        RecoveredOut(way_back=RECOVERY),
        LiveOut("ok"),
        ReadyOut("ok", database="ok", redis="ok", migrations="ok"),
        *chat_examples.BODIES,
    )
}
"""By the name of their schema."""

EVENTS = {
    "FollowChat": chat_examples.STREAMED,
    "FollowTurns": chat_examples.TURNS,
    "FollowLive": (
        sse.OPENING
        + sse.event("factoid", FACTOID)
        + sse.event("tally", LiveTally(FACTOID_ID, votes_up=42, votes_down=3))
        + sse.PING
    ).decode(),
    "FollowCheckout": (sse.OPENING + sse.event("checkout", CHECKOUT, "paid-0-1")).decode(),
    "FollowGeneration": (
        sse.OPENING
        + sse.event("status", StatusEvent("running", "Asking the model"), "1763629202000-0")
        + sse.event("token", TokenEvent("Octopuses have"), "1763629203000-0")
        + sse.event("factoid", FACTOID, "1763629204000-0")
    ).decode(),
}
"""By the id of the operation that streams them."""

TEXTS = {"ExportChat": {"text/markdown": chat_examples.EXPORTED}}
"""By the id of the operation, the texts it can answer besides JSON, by their media type."""
