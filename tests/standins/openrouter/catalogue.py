"""The models the stand-in lists and answers for, sensible ones and awkward ones."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

BASIC = ("max_completion_tokens", "max_tokens", "seed", "stop", "temperature", "top_p")
TOOLS = (*BASIC, "tool_choice", "tools")
STRUCTURED = (*TOOLS, "response_format", "structured_outputs")
REASONING = (*STRUCTURED, "include_reasoning", "reasoning")

BILLED_AFTER_CANCEL = {"amazon", "google", "mistralai", "perplexity"}
"""Authors whose providers go on working, and billing, when the client closes the stream."""

ROUTED_TO = "openai/gpt-4o-mini"
"""The model that answers when a router model is asked."""


@dataclass(frozen=True)
class Model:
    """One catalogue entry. Prices are US dollars per token, `None` where the key is absent."""

    id: str
    name: str
    prompt: str | None
    completion: str | None
    parameters: tuple[str, ...] = STRUCTURED
    context: int | None = 131_072
    max_completion: int | None = 16_384
    outputs: tuple[str, ...] = ("text",)
    pricing: dict[str, Any] = field(default_factory=dict[str, Any])
    extra: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def author(self) -> str:
        return self.id.lstrip("~").split("/")[0]

    @property
    def reasons(self) -> bool:
        return "reasoning" in self.parameters

    @property
    def answers(self) -> bool:
        """Whether a completion can be asked of it: it writes text and has not expired."""
        return "text" in self.outputs and "expiration_date" not in self.extra

    @property
    def stops_billing_on_cancel(self) -> bool:
        return self.author not in BILLED_AFTER_CANCEL

    def cost_usd(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """The exact price of one completion; an absent or negative price counts as nothing."""
        prompt = max(Decimal(self.prompt or 0), Decimal(0)) * prompt_tokens
        completion = max(Decimal(self.completion or 0), Decimal(0)) * completion_tokens
        return prompt + completion + Decimal(self.pricing.get("request", 0))

    def listed(self) -> dict[str, Any]:
        """The entry as `GET /models` shows it."""
        pricing: dict[str, Any] = {"prompt": self.prompt, "completion": self.completion}
        return {
            "id": self.id,
            "canonical_slug": self.id.lstrip("~").split(":")[0],
            "hugging_face_id": None,
            "name": self.name,
            "created": 1_750_000_000,
            "description": f"{self.name}, as the stand-in plays it.",
            "context_length": self.context,
            "architecture": {
                "modality": f"text->{'+'.join(self.outputs)}",
                "input_modalities": ["text"],
                "output_modalities": list(self.outputs),
                "tokenizer": "Other",
                "instruct_type": None,
            },
            "pricing": {key: price for key, price in pricing.items() if price is not None}
            | self.pricing,
            "top_provider": {
                "context_length": self.context,
                "max_completion_tokens": self.max_completion,
                "is_moderated": self.author in {"openai", "anthropic"},
            },
            "per_request_limits": None,
            "supported_parameters": list(self.parameters),
            "default_parameters": None,
        } | self.extra


SENSIBLE = (
    Model("openai/gpt-4o-mini", "OpenAI: GPT-4o-mini", "0.00000015", "0.0000006"),
    Model("openai/gpt-4.1-nano", "OpenAI: GPT-4.1 Nano", "0.0000001", "0.0000004"),
    Model("openai/gpt-5-nano", "OpenAI: GPT-5 Nano", "0.00000005", "0.0000004", REASONING),
    Model(
        "anthropic/claude-haiku-4.5",
        "Anthropic: Claude Haiku 4.5",
        "0.000001",
        "0.000005",
        pricing={"input_cache_read": "0.0000001", "input_cache_write": "0.00000125"},
    ),
    Model(
        "google/gemini-2.5-flash-lite",
        "Google: Gemini 2.5 Flash Lite",
        "0.0000001",
        "0.0000004",
        context=1_048_576,
    ),
    Model(
        "google/gemini-2.0-flash-lite-001",
        "Google: Gemini 2.0 Flash Lite",
        "0.000000075",
        "0.0000003",
        context=1_048_576,
    ),
    Model(
        "mistralai/mistral-small-3.2-24b-instruct",
        "Mistral: Mistral Small 3.2 24B",
        "0.00000006",
        "0.00000018",
        max_completion=None,
    ),
    Model(
        "meta-llama/llama-3.3-70b-instruct",
        "Meta: Llama 3.3 70B Instruct",
        "0.0000001",
        "0.00000032",
        TOOLS,
    ),
    Model(
        "meta-llama/llama-3.1-8b-instruct",
        "Meta: Llama 3.1 8B Instruct",
        "0.00000002",
        "0.00000003",
        BASIC,
    ),
    Model(
        "qwen/qwen3-30b-a3b-instruct-2507",
        "Qwen: Qwen3 30B A3B Instruct",
        "0.00000008",
        "0.00000033",
    ),
    Model("deepseek/deepseek-chat-v3.1", "DeepSeek: DeepSeek V3.1", "0.0000002", "0.0000008"),
    Model("amazon/nova-micro-v1", "Amazon: Nova Micro 1.0", "0.000000035", "0.00000014", TOOLS),
    Model("microsoft/phi-4", "Microsoft: Phi 4", "0.00000006", "0.00000014", BASIC),
    Model(
        "perplexity/sonar",
        "Perplexity: Sonar",
        "0.000001",
        "0.000001",
        BASIC,
        pricing={"request": "0.005", "web_search": "0.005"},
    ),
)
"""Models a picker may offer; the last also charges per request."""

AWKWARD = (
    Model(
        "openrouter/auto", "Auto Router", "-1", "-1", context=2_000_000, extra={"benchmarks": None}
    ),
    Model("inflection/inflection-3-pi", "Inflection: Inflection 3 Pi", "0.0000025", None, BASIC),
    Model("nousresearch/hermes-4-70b", "Nous: Hermes 4 70B", "-0.00000011", "0.00000038", TOOLS),
    Model("openai/o1-pro", "OpenAI: o1-pro", "0.00015", "0.0006", REASONING, context=200_000),
    Model(
        "black-forest-labs/flux.2-pro",
        "Black Forest Labs: FLUX.2 Pro",
        "0.00000366",
        "0.00000366",
        ("seed",),
        outputs=("image",),
        pricing={"image": "0.03"},
    ),
    Model(
        "~anthropic/claude-haiku-latest",
        "Anthropic: Claude Haiku (latest)",
        "0.000001",
        "0.000005",
        extra={"alias_target": "anthropic/claude-haiku-4.5"},
    ),
    Model("meta-llama/llama-3.3-70b-instruct:free", "Meta: Llama 3.3 70B (free)", "0", "0", TOOLS),
    Model(
        "cohere/command-r7b-12-2024",
        "Cohere: Command R7B",
        "0.0000000375",
        "0.00000015",
        pricing={"discount": 0, "overrides": [], "price_of_a_later_year": {"per": "moon"}},
        extra={"a_later_year": ["unknown", {"to": "you"}], "knowledge_cutoff": "2024-06-01"},
    ),
    Model(
        "google/gemini-1.5-flash-8b",
        "Google: Gemini 1.5 Flash 8B",
        "0.0000000375",
        "0.00000015",
        extra={"expiration_date": "2025-09-24"},
    ),
)
"""Models that a picker must leave out, or read with care."""

MODELS = {model.id: model for model in (*SENSIBLE, *AWKWARD)}

_ODDITIES: tuple[Callable[[dict[str, Any]], object], ...] = (
    lambda pricing: pricing.update(prompt="-1", completion="-1"),
    lambda pricing: pricing.pop("completion"),
    lambda pricing: pricing.clear(),
    lambda pricing: pricing.update(prompt="-0.000001"),
    lambda pricing: pricing.update(prompt="NaN"),
    lambda pricing: pricing.update(completion="Infinity"),
    lambda pricing: pricing.update(prompt=""),
    lambda pricing: pricing.update(completion=None),
    lambda pricing: pricing.update(completion="free"),
    lambda pricing: pricing.update(prompt="1e-7"),
)


def listing(*, odd_prices: bool = False) -> list[dict[str, Any]]:
    """Every model as listed; with odd prices, each sensible one but the first has a price wrong."""
    items = [model.listed() for model in MODELS.values()]
    if odd_prices:
        for item, spoil in zip(items[1:], _ODDITIES, strict=False):
            spoil(item["pricing"])
    return items


def find_model(name: str) -> Model | None:
    """The model a request means: aliases and the router are followed, `:nitro` and such ignored."""
    model = MODELS.get(name) or MODELS.get(name.split(":")[0])
    if model is None:
        return None
    if model.prompt == "-1":
        return MODELS[ROUTED_TO]
    return MODELS.get(model.extra.get("alias_target", model.id))
