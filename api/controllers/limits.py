"""Endpoint for the remaining limits and budget of a caller."""

from litestar import Controller, get
from litestar.di import NamedDependency

from api.guards import requires_scope
from api.mappers.limits import budget_out, captcha_out, policy_out
from api.schemas.generation import LimitsOut
from domain.caller import Caller
from domain.generation.requests import GenerationRequests
from domain.limits.rate_limit import RateLimiter
from domain.limits.step_up import StepUp


class LimitsController(Controller):
    path = "/api/factoids/limits"
    tags = ("Generation",)
    guards = (requires_scope("read"),)

    @get(operation_id="GetLimits")
    async def show(
        self,
        caller: NamedDependency[Caller],
        limiter: NamedDependency[RateLimiter],
        generations: NamedDependency[GenerationRequests],
        step_up: NamedDependency[StepUp],
    ) -> LimitsOut:
        """What you may still do, and when there is more."""
        return LimitsOut(
            policies=[policy_out(state) for state in await limiter.left(caller)],
            budget=budget_out(await generations.budget(caller)),
            credits_left=await generations.credits_left(caller),
            captcha=captcha_out(await step_up.challenge(caller)),
        )
