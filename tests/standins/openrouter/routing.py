"""Which model serves a request, or why none does."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from .catalogue import Model, find_model
from .prompt import Prompt
from .scenarios import FAILURES, Failure, Scenario

CHECKED_PARAMETERS = (
    *("response_format", "tools", "seed", "stop", "temperature", "top_p"),
    *("max_completion_tokens", "max_tokens"),
)


def route(prompt: Prompt, scenario: Scenario) -> Model | Failure:
    """The first model of the request's list that can serve it, or the last one's refusal."""
    names = prompt.models
    if scenario.name == "fallback" and len(names) > 1:
        names = names[1:]
    refusal = replace(FAILURES["400"], message="No models provided", error_type="invalid_request")
    for name in names:
        model = find_model(name)
        if model is None or not model.answers:
            refusal = replace(FAILURES["404"], message=f"No endpoints found for {name}.")
            continue
        refused = _refusal(model, prompt)
        if refused is None:
            return model
        refusal = refused
    return refusal


def _refusal(model: Model, prompt: Prompt) -> Failure | None:
    provider: dict[str, Any] = prompt.body.get("provider") or {}
    if prompt.tools and "tools" not in model.parameters:
        return replace(FAILURES["404"], message="No endpoints found that support tool use.")
    if provider.get("require_parameters"):
        asked = [name for name in CHECKED_PARAMETERS if prompt.body.get(name) is not None]
        if any(name not in model.parameters for name in asked):
            return replace(
                FAILURES["404"],
                message="No endpoints found that can handle the requested parameters.",
            )
    ceilings: dict[str, Any] = provider.get("max_price") or {}
    prices = {"prompt": model.prompt, "completion": model.completion}
    for part, price in prices.items():
        if part in ceilings and Decimal(price or 0) * 1_000_000 > Decimal(str(ceilings[part])):
            return FAILURES["503"]
    per_request = Decimal(model.pricing.get("request", 0))
    if "request" in ceilings and per_request > Decimal(str(ceilings["request"])):
        return FAILURES["503"]
    return None
