"""The wire shape of a quote."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self


@dataclass
class LeftAfterOut:
    """What a generation would leave in one window of the limit."""

    name: str
    remaining: int


@dataclass
class LiveQuoteOut:
    """What a new factoid would cost you now. Nothing is reserved by asking."""

    name: str
    worst_case_usd: Decimal
    """The most that is charged."""
    allowed: bool
    """Whether a generation would be accepted now."""
    left_after: list[LeftAfterOut]
    """By window, after a generation; what is left now if it would be refused."""
    budget_left_after_usd: Decimal
    """The budget left today after a generation of the worst case."""
    credits_left: int = 0
    """Factoids that are paid for; with `pay_with: "credit"` the limits of free requests do not
    apply."""
    model: str | None = None
    """The requested model; null if the product chooses."""
    usual_usd: Decimal | None = None
    """The median cost of recent requests with this model; null if there are none."""
    expected_wait_s: float | None = None
    """The median duration of these requests; null if there are none."""
    reason: str | None = None
    """Why it would be refused, in words."""

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
