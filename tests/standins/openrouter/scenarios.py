"""Every scenario by name: what a client may meet instead of a plain answer."""

import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Failure:
    """A JSON error sent before the first token. It bills nothing."""

    status: int
    message: str
    error_type: str
    retry_after_s: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])

    def body(self) -> dict[str, Any]:
        metadata = {"error_type": self.error_type} | self.metadata
        return {"error": {"code": self.status, "message": self.message, "metadata": metadata}}


FAILURES: dict[str, Failure] = {
    "400": Failure(
        400, "This endpoint's maximum context length is exceeded", "context_length_exceeded"
    ),
    "401": Failure(401, "User not found.", "authentication"),
    "402-credits": Failure(
        402,
        "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
        "payment_required",
        metadata={"limit_source": "openrouter_credits"},
    ),
    "402-key-limit": Failure(
        402,
        "Key limit exceeded (total limit).",
        "payment_required",
        metadata={"limit_source": "openrouter_key_limit"},
    ),
    "402-in-flight": Failure(
        402,
        "Too much of the remaining budget is held by requests in flight.",
        "payment_required",
        retry_after_s=2,
        metadata={"limit_source": "openrouter_in_flight_budget"},
    ),
    "402-too-dear": Failure(
        402,
        "This request requires more credits than the budget allows.",
        "payment_required",
        metadata={"limit_source": "weight_exceeds_budget"},
    ),
    "403-moderation": Failure(
        403,
        "Your chosen model requires moderation and your input was flagged",
        "content_policy_violation",
        metadata={
            "reasons": ["violence"],
            "flagged_input": "how to...",
            "provider_name": "OpenAI",
            "model_slug": "openai/gpt-4o-mini",
        },
    ),
    "403-budget": Failure(
        403,
        "Workspace budget exceeded.",
        "permission_denied",
        metadata={
            "limit_source": "openrouter_workspace_budget",
            "limit_usd": 5,
            "spend_usd": 5.01,
            "resets_at": "2099-01-01T00:00:00Z",
        },
    ),
    "404": Failure(404, "No endpoints found for this model.", "not_found"),
    "408": Failure(408, "The request timed out.", "timeout"),
    "413": Failure(413, "The request is too large.", "payload_too_large"),
    "422": Failure(422, "The request could not be processed.", "unprocessable"),
    "429": Failure(429, "Rate limit exceeded", "rate_limit_exceeded", retry_after_s=1),
    "429-no-retry-after": Failure(
        429,
        "Provider returned error",
        "rate_limit_exceeded",
        metadata={"provider_name": "OpenAI", "raw": "temporarily rate-limited upstream"},
    ),
    "500": Failure(500, "Internal Server Error", "server"),
    "502": Failure(502, "Provider returned error", "provider_unavailable"),
    "503": Failure(
        503, "No provider is available that meets your routing requirements", "provider_unavailable"
    ),
    "524": Failure(524, "The provider did not answer in time.", "timeout"),
    "529": Failure(529, "The provider is overloaded", "provider_overloaded"),
}

ODD_HTTP: dict[str, str] = {
    "200-error-body": "status 200, a generation id and an error for a body; bills nothing",
    "wrong-content-type": "status 200 with an HTML page; bills nothing",
    "redirect": "status 307 to a page that logs who follows; bills nothing",
    "gzip-bomb": "a gzip body of 100 MB once unpacked (arg: MB); bills the answer",
}

CONTENTS: dict[str, str] = {
    "ok": "a fact",
    "ok-json": "a fact, the same as ok",
    "fallback": "a fact from the second model of the request's list",
    "schema-invalid": "JSON that breaks the schema",
    "fenced": "a fact as fenced JSON whatever was asked for",
    "plain-prose": "a fact without any JSON",
    "empty": "an empty string",
    "refusal": "the model's refusal",
    "content-filter": "half a fact, finish_reason content_filter",
    "length": "half a fact, finish_reason length",
    "huge": "a text of 50 MB (arg: MB)",
    "deep-json": "50 000 nested arrays (arg: depth)",
    "duplicate": "a fact the prompt holds already, else the previous answer",
    "near-duplicate": "the previous answer with a word changed",
    "injection": "a fact carrying markup, a template and orders to the reader",
    "bidi": "a fact with bidi overrides, controls, zero-width characters, loose accents",
    "many-emoji": "200 code points in the emoji",
    "long-text": "a text of 700 graphemes",
    "long-subject": "a subject of 300 characters",
    "three-sentences": "a fact of three sentences",
    "bad-category": "a category nobody has",
}
"""Scenarios that change what is said. All bill the tokens sent."""

TOOLS: dict[str, str] = {
    "tool-loop": "the same tool call again and again, while any tool is offered",
    "tool-flood": "50 tool calls at once (arg: calls), while any tool is offered",
    "tool-unknown": "a call of a tool nobody offered, while any is",
    "tool-bad-arguments": "calls with broken and with wrong arguments, while any tool is offered",
}
"""Scenarios of a model that misuses its tools. Without any it talks. All bill the tokens sent."""

DELIVERIES: dict[str, str] = {
    "ok-stream-keepalives": "three comments, and chunks cut at every byte",
    "mid-stream-error": "an error event after 5 tokens (arg: tokens); bills those",
    "cut": "the connection closes after 5 tokens (arg: tokens); bills those",
    "cut-before-token": "headers, then the connection closes; bills the prompt",
    "hang-before-headers": "nothing for 120 s, then a fact; bills only if it is sent",
    "hang-mid-stream": "5 tokens (arg: tokens), only comments for 120 s, the rest",
    "drip": "one byte each second",
    "slow": "20 tokens a second (arg: tokens), after no pause",
    "gated": "5 tokens (arg: tokens), then waits for open",
    "gated-headers": "waits for open before the headers; bills only if opened",
    "gated-end": "everything, then waits for open before the usage",
}
"""Scenarios that change how it is sent. A stream bills the tokens sent, plain JSON all of them."""

SETTLEMENTS: dict[str, str] = {
    "usage-missing": "no usage in the answer",
    "cost-null": "usage.cost is null",
    "cost-x10": "costs ten times the catalogue's price (arg: times)",
    "cost-zero": "costs nothing",
    "generation-404-3": "no usage, and /generation answers 404 three times (arg: times)",
    "generation-never": "no usage, and /generation answers 404 for ever",
}
"""Scenarios that change what is said about the cost. The bill in the log is always true."""

SCENARIOS = (*CONTENTS, *TOOLS, *DELIVERIES, *SETTLEMENTS, *ODD_HTTP, *FAILURES)

_MARKER = re.compile(r"\[\[scenario:([a-z0-9:.-]+)\]\]")


class UnknownScenario(ValueError):
    """A scenario was asked for that does not exist."""


@dataclass(frozen=True)
class Scenario:
    """One scenario, with the number behind its colon when there is one."""

    name: str = "ok"
    arg: int | None = None
    content: str | None = None
    """What is answered, word for word."""
    calls: tuple[tuple[str, str], ...] = ()
    """The tools it calls, each by name with its arguments as written."""

    @classmethod
    def parse(cls, written: str) -> "Scenario":
        """Read `name` or `name:number`.

        Raises:
            UnknownScenario: Nothing has this name, or the argument is no number.
        """
        name, _, arg = written.strip().partition(":")
        if name not in SCENARIOS or (arg and not arg.isdecimal()):
            raise UnknownScenario(f"There is no scenario {written!r}.")
        return cls(name, int(arg) if arg else None)

    @classmethod
    def marked_in(cls, text: str) -> "Scenario | None":
        """The first known `[[scenario:name]]` of a text; unknown ones are only words."""
        for written in _MARKER.findall(text):
            try:
                return cls.parse(written)
            except UnknownScenario:
                continue
        return None

    def number(self, default: int) -> int:
        return default if self.arg is None else self.arg


def without_markers(text: str) -> str:
    return _MARKER.sub(" ", text)
