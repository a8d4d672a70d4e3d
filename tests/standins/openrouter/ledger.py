"""What was asked, what was sent and what it cost: the bill that tests hold ours against."""

import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .catalogue import Model
from .prompt import Prompt
from .wire import Connection, Request

FOR_EVER = -1
TOKENS_LOGGED = 640


def dollars(amount: Decimal) -> str:
    """An amount without exponent or needless zeros."""
    return f"{amount:f}".rstrip("0").rstrip(".") if "." in f"{amount:f}" else f"{amount:f}"


@dataclass
class Generation:
    """One completion at the provider. `cost_usd` follows the tokens sent."""

    id: str
    model: Model
    prompt: Prompt
    times: int = 1
    """How often the catalogue's price is charged."""
    hidden_times: int = 0
    """How many more times `/generation` answers 404."""
    begun: bool = False
    """Whether the provider has started, and so bills."""
    settled: bool = False
    """Whether the answer is over, one way or another."""
    cancelled: bool = False
    finish_reason: str | None = None
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    created: float = field(default_factory=time.time)
    first_tokens: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """When the first pieces of a streamed answer left, in Unix time, reasoning aside."""

    def leaves(self, piece: str) -> None:
        """A piece of the answer is about to be sent."""
        if len(self.first_tokens) < TOKENS_LOGGED:
            self.first_tokens.append((time.time(), piece))

    def count(self, tokens: int = 1) -> None:
        """Bill more tokens, never above the caller's limit."""
        most = self.prompt.most_tokens
        total = self.completion_tokens + tokens
        self.completion_tokens = total if most is None else min(total, most)

    @property
    def cost_usd(self) -> Decimal:
        if not self.begun:
            return Decimal(0)
        cost = self.times * self.model.cost_usd(self.prompt.tokens, self.completion_tokens)
        return cost or Decimal(0)

    def usage(self, *, cost_known: bool = True) -> dict[str, Any]:
        """The `usage` object of an answer."""
        prompt_cost = self.times * self.model.cost_usd(self.prompt.tokens, 0)
        return {
            "prompt_tokens": self.prompt.tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt.tokens + self.completion_tokens,
            "cost": self.cost_usd if cost_known else None,
            "is_byok": False,
            "prompt_tokens_details": {
                "cached_tokens": 0,
                "cache_write_tokens": 0,
                "audio_tokens": 0,
                "video_tokens": 0,
            },
            "cost_details": {
                "upstream_inference_cost": None,
                "upstream_inference_prompt_cost": prompt_cost or Decimal(0),
                "upstream_inference_completions_cost": self.cost_usd - prompt_cost or Decimal(0),
            },
            "completion_tokens_details": {
                "reasoning_tokens": self.reasoning_tokens,
                "image_tokens": 0,
                "audio_tokens": 0,
            },
        }

    def settled_record(self) -> dict[str, Any]:
        """The `data` of `GET /generation`."""
        created = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(self.created))
        return {
            "id": self.id,
            "created_at": created,
            "model": self.model.id,
            "provider_name": self.model.author.title(),
            "api_type": "completions",
            "streamed": self.prompt.streams,
            "cancelled": self.cancelled,
            "finish_reason": self.finish_reason,
            "native_finish_reason": self.finish_reason,
            "latency": 300,
            "generation_time": 25 * self.completion_tokens,
            "moderation_latency": None,
            "tokens_prompt": self.prompt.tokens,
            "tokens_completion": self.completion_tokens,
            "native_tokens_prompt": self.prompt.tokens,
            "native_tokens_completion": self.completion_tokens,
            "native_tokens_reasoning": self.reasoning_tokens,
            "native_tokens_cached": 0,
            "num_media_prompt": None,
            "num_media_completion": None,
            "num_search_results": None,
            "total_cost": self.cost_usd,
            "usage": self.cost_usd,
            "upstream_inference_cost": 0,
            "cache_discount": None,
            "is_byok": False,
            "external_user": self.prompt.body.get("user"),
            "session_id": self.prompt.body.get("session_id"),
            "request_id": self.id.replace("gen-", "req-"),
            "provider_responses": [{"provider_name": self.model.author.title(), "status": 200}],
            "upstream_id": None,
            "app_id": None,
            "origin": "",
            "http_referer": None,
            "user_agent": None,
            "router": None,
        }


@dataclass
class Exchange:
    """One request as the log shows it."""

    request: Request
    connection: Connection
    body: Any = None
    scenario: str | None = None
    generation: Generation | None = None
    finished: bool = False
    status: int | None = None
    bytes_sent: int = 0
    client_closed_at_s: float | None = None
    arrived_at: float = field(default_factory=time.time)
    """In Unix time, like those of its first tokens."""
    _started: float = field(default_factory=time.monotonic)

    def client_closed(self) -> None:
        self.client_closed_at_s = round(time.monotonic() - self._started, 6)

    def finish(self) -> None:
        self.finished = True
        self.status, self.bytes_sent = self.connection.status, self.connection.bytes_sent

    def logged(self) -> dict[str, Any]:
        generation = self.generation
        headers = self.request.headers
        sending = not self.finished
        return {
            "method": self.request.method,
            "path": self.request.path,
            "query": self.request.query,
            "headers": {name: headers[name] for name in headers if name != "authorization"},
            "authorized": is_authorized(headers),
            "body": self.body,
            "scenario": self.scenario,
            "generation_id": generation.id if generation else None,
            "model": generation.model.id if generation else None,
            "status": self.connection.status if sending else self.status,
            "finished": self.finished,
            "bytes_sent": self.connection.bytes_sent if sending else self.bytes_sent,
            "client_closed_at_s": self.client_closed_at_s,
            "arrived_at": self.arrived_at,
            "completion_tokens": generation.completion_tokens if generation else 0,
            "first_tokens": generation.first_tokens if generation else [],
            "billed_cost": dollars(generation.cost_usd) if generation else "0",
        }


def is_authorized(headers: dict[str, str]) -> bool:
    """Whether there is a bearer token; any will do."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.casefold() == "bearer" and bool(token.strip())


class Ledger:
    """Every exchange and every generation since the start or the last reset."""

    def __init__(self) -> None:
        self.exchanges = list[Exchange]()
        self.generations = dict[str, Generation]()

    @property
    def total_cost_usd(self) -> Decimal:
        return sum((one.cost_usd for one in self.generations.values()), Decimal(0))

    @property
    def completions(self) -> list[Exchange]:
        return [one for one in self.exchanges if one.request.path.endswith("/chat/completions")]

    @property
    def arrived(self) -> int:
        """Completions that have begun, whatever became of them."""
        return sum(exchange.scenario is not None for exchange in self.exchanges)

    def logged(self) -> dict[str, Any]:
        return {
            "requests": [exchange.logged() for exchange in self.exchanges],
            "total_cost": dollars(self.total_cost_usd),
        }
