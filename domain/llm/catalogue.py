"""The language models that may be used, their prices, and the choice among them."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.models import LanguageModel
from db.repositories.generations import LanguageModelRepository
from domain.errors import Invalid, Unavailable
from domain.llm.failures import ModelFailed, broken_answer
from domain.llm.fields import TOKENS_AT_MOST
from domain.llm.openrouter import OpenRouter
from domain.llm.wire import Usage
from domain.text import clean

ANSWER_TOKENS = 700
"""The most an answer may use, reasoning included."""

USUAL_PROMPT_TOKENS, USUAL_ANSWER_TOKENS = 1_200, 120
"""What a factoid usually needs; models are compared by their price for that."""

CHOSEN_FROM = 8
"""Where the caller names no model, it is chosen among so many of the cheapest healthy ones."""

FAILURES_TO_PAUSE = 3
PAUSE = timedelta(minutes=10)
"""After three failures in a row a model is not chosen for a while."""

USUAL_PARAMETERS = ["max_tokens", "temperature", "tools", "tool_choice"]
"""Of a model whose server does not say."""

LIMITS = ("max_completion_tokens", "max_tokens")
"""The parameters that limit an answer's length; the first that a model lists is sent."""

THOUSAND, MILLION = Decimal(1_000), Decimal(1_000_000)
SMALLEST_PRICE = Decimal("0.00000000000001")
NAME_LENGTH = 255


log = structlog.get_logger()


class UnknownModel(Invalid):
    code = "unknown_model"


class NoModels(Unavailable):
    code = "no_models"


class _Architecture(msgspec.Struct):
    output_modalities: tuple[str, ...] | None = None


class _Item(msgspec.Struct):
    id: str
    pricing: dict[str, Any] | None = None
    name: str | None = None
    context_length: Annotated[int, Meta(ge=0, le=TOKENS_AT_MOST)] | None = None
    architecture: _Architecture | None = None
    supported_parameters: list[str] | None = None
    expiration_date: str | None = None


class _Catalogue(msgspec.Struct):
    data: list[msgspec.Raw]


def worst_case_usd(
    model: LanguageModel, prompt_bytes: int, answer_tokens: int = ANSWER_TOKENS
) -> Decimal:
    """The most one call can cost: no tokenizer makes more tokens of a text than it has bytes."""
    return (
        model.prompt_usd * prompt_bytes + model.completion_usd * answer_tokens + model.request_usd
    ).quantize(Decimal("0.000000000001"), ROUND_CEILING)


def cost_usd(model: LanguageModel, usage: Usage) -> Decimal:
    """What a call costs by the price of its model, in US dollars."""
    return (
        model.prompt_usd * (usage.prompt_tokens or 0)
        + model.completion_usd * (usage.completion_tokens or 0)
        + model.request_usd
    ).quantize(Decimal("0.000000000001"), ROUND_CEILING)


def price_ceiling(model: LanguageModel) -> dict[str, Any]:
    """The `provider` object of a request that excludes providers above the quoted prices."""
    return {
        # Catalogue prices are per token, these per million.
        "max_price": {
            "prompt": float(model.prompt_usd * MILLION),
            "completion": float(model.completion_usd * MILLION),
            "request": float(model.request_usd),
        },
        # Otherwise a provider may ignore a parameter it does not know: the limit, or the schema.
        "require_parameters": True,
    }


def limit_parameter(parameters: Sequence[str]) -> str:
    """This model's parameter for the most tokens of an answer."""
    return next((name for name in LIMITS if name in parameters), LIMITS[0])


def read_catalogue(
    content: bytes,
    *,
    allowed: Sequence[str],
    ceiling_usd: Decimal,
    today: str,
    prices: tuple[Decimal, Decimal] | None = None,
) -> list[dict[str, Any]]:
    """The models of a catalogue that may be used.

    Left out, and counted in the log by their reason: models that no pattern of `allowed` matches,
    aliases ("~…"), those that write no text, expired ones, and prices that are absent, variable
    (negative), free or over `ceiling_usd` a million tokens, where one request counts as a thousand
    tokens. Free variants are left out because their limits would refuse most visitors. Also left
    out are models whose worst case is unknown: the length of their answers cannot be limited, or
    their reasoning tokens cost more than those of their answer.

    With `prices`, US dollars per million tokens of a prompt and of an answer, a server of our own
    is meant: a model without a price has these, may be free, and takes the usual parameters.

    Raises:
        ModelFailed: It is no catalogue at all.
    """
    try:
        items = msgspec.json.decode(content, type=_Catalogue).data
    except (msgspec.DecodeError, RecursionError) as error:
        raise broken_answer("The list of models could not be read.") from error
    rows: dict[str, dict[str, Any]] = {}
    left_out = Counter[str]()
    for raw in items:
        try:
            item = msgspec.json.decode(raw, type=_Item, strict=False)
        except (msgspec.DecodeError, RecursionError):
            left_out["unreadable"] += 1
            continue
        per_token = _prices(item.pricing) if item.pricing or prices is None else _own(prices)
        parameters = item.supported_parameters or (USUAL_PARAMETERS if prices else [])
        if reason := _unusable(item, per_token, parameters, allowed, today):
            left_out[reason] += 1
        elif not (prices or _is_paid(per_token)) or not _is_affordable(per_token, ceiling_usd):
            left_out["price"] += 1
        else:
            rows[item.id] = {
                "id": item.id,
                "name": clean(item.name or "")[:NAME_LENGTH] or item.id,
                "context_tokens": item.context_length,
                "parameters": [name for name in parameters if len(name) <= 64],
                **(per_token or {}),
            }
    log.info("catalogue_read", models=len(rows), left_out=dict(left_out))
    # Sorted, so that two workers who write them at once do not deadlock.
    return [rows[model_id] for model_id in sorted(rows)]


def _unusable(
    item: _Item,
    per_token: dict[str, Decimal] | None,
    parameters: Sequence[str],
    allowed: Sequence[str],
    today: str,
) -> str | None:
    """Why a model may not be used, whatever it costs; None where it may."""
    writes = item.architecture.output_modalities if item.architecture else None
    if "text" not in (writes or ("text",)):
        return "writes no text"
    if item.id.startswith("~") or len(item.id) > NAME_LENGTH:
        return "id"
    if not any(fnmatchcase(item.id, pattern.strip()) for pattern in allowed):
        return "not allowed"
    if item.expiration_date is not None and item.expiration_date <= today:
        return "expired"
    if set(LIMITS).isdisjoint(parameters):
        return "length without a limit"
    return "price" if per_token is None else None


def _is_paid(per_token: dict[str, Decimal] | None) -> bool:
    return bool(per_token and per_token["completion_usd"] > 0)


def _is_affordable(per_token: dict[str, Decimal] | None, ceiling_usd: Decimal) -> bool:
    if per_token is None:
        return False
    dearest = max(per_token["completion_usd"], per_token["prompt_usd"]) * MILLION
    return max(dearest, per_token["request_usd"] * THOUSAND) <= ceiling_usd


def _own(prices: tuple[Decimal, Decimal]) -> dict[str, Decimal]:
    prompt, answer = (price / MILLION for price in prices)
    return {"prompt_usd": prompt, "completion_usd": answer, "request_usd": Decimal(0)}


def _prices(pricing: dict[str, Any] | None) -> dict[str, Decimal] | None:
    """US dollars per token and per request, or None when one is absent or varies."""
    if pricing is None:
        return None
    try:
        prices = {
            "prompt_usd": _price(pricing["prompt"]),
            "completion_usd": _price(pricing["completion"]),
            "request_usd": _price(pricing.get("request") or "0"),
        }
        reasoning_usd = _price(pricing.get("internal_reasoning") or "0")
    except (KeyError, InvalidOperation):
        return None
    if any(not price.is_finite() or price < 0 for price in (*prices.values(), reasoning_usd)):
        return None
    # Reasoning counts toward the limit of the answer, so both together stay within it.
    return prices if reasoning_usd <= prices["completion_usd"] else None


def _price(text: Any) -> Decimal:
    """A price with as many decimals as are stored.

    Raises:
        InvalidOperation: It is no number, or absurdly large.
    """
    return Decimal(str(text)).quantize(SMALLEST_PRICE)


class CatalogueService:
    """The catalogue as stored in Postgres; only `refresh` calls OpenRouter."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions

    async def models(self) -> list[LanguageModel]:
        async with self._sessions() as session:
            return await LanguageModelRepository(session).all()

    async def choose(
        self, named: str | None, *, besides: Sequence[str] = (), needs: str | None = None
    ) -> LanguageModel:
        """The model named, or one of the cheap, healthy ones; cheaper ones more often.

        Raises:
            UnknownModel: The model named is not in the list.
            NoModels: The list is empty.
        """
        return choose_of(await self.models(), named, besides=besides, needs=needs)

    async def usable(
        self, named: str | None, *, besides: Sequence[str] = (), needs: str | None = None
    ) -> list[LanguageModel]:
        """The models among which the answering one is chosen: the model named, or the cheap,
        healthy ones; only those that list the parameter `needs`.

        Raises:
            UnknownModel, NoModels: As `choose`.
        """
        return _usable_of(await self.models(), named, besides, needs)

    async def refresh(
        self,
        openrouter: OpenRouter,
        *,
        allowed: Sequence[str],
        ceiling_usd: Decimal,
        prices: tuple[Decimal, Decimal] | None = None,
    ) -> int:
        """Fetch OpenRouter's catalogue; returns how many models may be used.

        Raises:
            ModelFailed: There was none, or it held no usable model; the stored one stays.
        """
        now = datetime.now(UTC)
        rows = read_catalogue(
            await openrouter.catalogue(),
            allowed=allowed,
            ceiling_usd=ceiling_usd,
            prices=prices,
            today=now.date().isoformat(),
        )
        if not rows:
            raise broken_answer("The list of models held none that may be used.")
        async with self._sessions.begin() as session:
            await LanguageModelRepository(session).replace_all(
                [row | {"fetched_at": now} for row in rows]
            )
        return len(rows)

    async def note(self, model_id: str, failure: ModelFailed | None) -> None:
        """Record a model's failure, or with None its success, for the next choice."""
        async with self._sessions.begin() as session:
            models = LanguageModelRepository(session)
            if failure is None:
                await models.note_success(model_id)
            elif failure.unhealthy:
                await models.note_failure(model_id)


def choose_of(
    models: Sequence[LanguageModel],
    named: str | None,
    *,
    besides: Sequence[str] = (),
    needs: str | None = None,
) -> LanguageModel:
    """One of these; see `CatalogueService.choose`."""
    usable = _usable_of(models, named, besides, needs)
    return random.choices(usable, [_weight(model) for model in usable])[0]


def _usable_of(
    models: Sequence[LanguageModel], named: str | None, besides: Sequence[str], needs: str | None
) -> list[LanguageModel]:
    models = [model for model in models if needs is None or needs in model.parameters]
    if named is not None:
        for model in models:
            if model.id == named:
                return [model]
        raise UnknownModel(
            "That model is not in the list. GET /api/models has those you can use.",
            field="/model",
        )
    models = sorted(models, key=_usual_usd)
    cheap = [m for m in models if _healthy(m) and m.id not in besides][:CHOSEN_FROM]
    cheap = cheap or [m for m in models if m.id not in besides][:1] or models[:1]
    if not cheap:
        raise NoModels(
            "No language model is available yet. Please try again in a minute.",
            retry_after_s=60,
        )
    return cheap


def _healthy(model: LanguageModel) -> bool:
    recent = model.failed_at is not None and datetime.now(UTC) - model.failed_at < PAUSE
    return not (recent and model.failures >= FAILURES_TO_PAUSE)


def _weight(model: LanguageModel) -> float:
    """Half the price, twice as likely; models that support a schema are preferred."""
    reliable = 2.0 if "structured_outputs" in model.parameters else 1.0
    return reliable / (float(_usual_usd(model) * MILLION) or 1.0)


def _usual_usd(model: LanguageModel) -> Decimal:
    return (
        model.prompt_usd * USUAL_PROMPT_TOKENS
        + model.completion_usd * USUAL_ANSWER_TOKENS
        + model.request_usd
    )
