"""The wire shape of a quote."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self


@dataclass
class LeftAfterOut:
    """What would be left in one window of your limit."""

    name: str
    remaining: int


@dataclass
class LiveQuoteOut:
    """What a new factoid would cost you now. Nothing is reserved by asking."""

    name: str
    worst_case_usd: Decimal
    """The most it can cost; never more is charged."""
    allowed: bool
    """Whether it would be accepted now."""
    left_after: list[LeftAfterOut]
    """By window, once it is accepted; what is left now when it would not be."""
    budget_left_after_usd: Decimal
    """What may then still be spent for you today, at the worst case."""
    credits_left: int = 0
    """Factoids you have paid for; one with `pay_with: "credit"` is accepted though a limit of what
    is free would refuse it."""
    model: str | None = None
    """The model asked for; null when it is left to us."""
    usual_usd: Decimal | None = None
    """The median of what requests with this model cost lately; null without any."""
    expected_wait_s: float | None = None
    """The median of how long they took; null without any."""
    reason: str | None = None
    """Why it would not be accepted, in words."""

    @classmethod
    def example(cls) -> Self:
        return cls(
            model="openai/gpt-4o-mini",
            name="GPT-4o mini",
            worst_case_usd=Decimal("0.00042"),
            usual_usd=Decimal("0.0000831"),
            expected_wait_s=1.9,
            allowed=True,
            left_after=[LeftAfterOut("minute", 0), LeftAfterOut("hour", 2)],
            budget_left_after_usd=Decimal("0.0496"),
        )
