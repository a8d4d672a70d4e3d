"""Maps limits and budgets to response schemas."""

from api.decimals import plain_decimal
from api.schemas.generation import BudgetOut, PolicyOut, WindowOut
from api.schemas.problem import CaptchaOut
from domain.limits.captcha import Challenge
from domain.limits.states import PolicyState
from domain.spending.budget import BudgetState


def policy_out(state: PolicyState) -> PolicyOut:
    return PolicyOut(
        policy=state.policy.name,
        windows=[
            WindowOut(
                name=window_state.window.name,
                limit=window_state.window.limit,
                window_s=window_state.window.window_s,
                remaining=window_state.remaining,
                reset_s=window_state.reset_s,
            )
            for window_state in state.windows
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
