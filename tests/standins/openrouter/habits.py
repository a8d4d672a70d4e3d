"""The habits of providers: how each spells tool calls and thoughts, and what it refuses.

Source: the providers' documentation of their chat completions, and public reports of clients that
were refused. A request that breaks a provider's rule is answered as that provider answers it.
"""

import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from .scenarios import Failure

Delta = dict[str, Any]
Body = dict[str, Any]

THOUGHT = "The reader wants to know about hearts."
SIGNATURE = "EqQBCkgIARABGAIiQL+/=="
MISTRAL_ID = re.compile(r"[a-zA-Z0-9]{9}")


@dataclass(frozen=True)
class Habit:
    """One provider's."""

    ids: Callable[[int, str], Any] = lambda place, _: f"call_{place}"
    """The id of a tool call, by its place and its tool's name."""
    same_index: bool = False
    """Whether all tool calls have index 0."""
    whole_calls: bool = False
    """Whether a tool call arrives in one piece."""
    call_fields: Delta | None = None
    """More fields of each tool call."""
    thoughts: tuple[Delta, ...] = ()
    """What is streamed before a text or a tool call."""
    wanted_back: tuple[str, ...] = ()
    """Fields of the thoughts that must come back with the tool calls, unchanged."""
    id_rule: re.Pattern[str] | None = None
    tools_declared: bool = False
    """Whether messages with tool calls need a declaration of tools."""
    finish: dict[str, Any] | None = None
    """Reasons for the end, by our own names of them; None leaves it out."""
    refuses_with: str = "Provider returned error"

    def spell(self, deltas: list[Delta], start: int) -> list[Delta]:
        """The deltas of an answer as this provider sends them; `start` calls were made before."""
        spelt = [deepcopy(thought) for thought in self.thoughts]
        for delta in self._joined(deltas) if self.whole_calls else deltas:
            new = deepcopy(delta)
            for call in new.get("tool_calls", []):
                if name := call["function"].get("name"):
                    call["id"] = self.ids(start + call["index"], name)
                    call |= self.call_fields or {}
                if self.same_index:
                    call["index"] = 0
            spelt.append(new)
        return spelt

    @staticmethod
    def _joined(deltas: list[Delta]) -> list[Delta]:
        calls: list[Delta] = []
        kept: list[Delta] = []
        for delta in deltas:
            for call in delta.get("tool_calls", []):
                if "id" in call:
                    calls.append(deepcopy(call))
                else:
                    calls[-1]["function"]["arguments"] += call["function"]["arguments"]
            if "tool_calls" not in delta:
                kept.append(delta)
        return kept + [{"tool_calls": [call]} for call in calls]

    def finish_reason(self, ours: str) -> str | None:
        return (self.finish or {}).get(ours, ours)

    def refusal(self, body: Body) -> Failure | None:
        """Why the provider refuses a request, if it does."""
        messages: list[Body] = body["messages"]
        callers = [message for message in messages if message.get("tool_calls")]
        if wrong := _unpaired(messages):
            return self._refused(wrong)
        if callers and self.tools_declared and not body.get("tools"):
            return self._refused("The toolConfig field must be defined when using toolUse blocks.")
        for message in callers:
            for call in message["tool_calls"]:
                if self.id_rule and not self.id_rule.fullmatch(call["id"]):
                    return self._refused(f"Tool call id was {call['id']} but must be a-z, 0-9.")
                for name, value in (self.call_fields or {}).items():
                    if call.get(name) != value:
                        return self._refused(f"Function call is missing a {name}.")
            for name in self.wanted_back:
                if message.get(name) != self._thought(name):
                    return self._refused(f"The {name} in the thinking mode must be passed back.")
        return None

    def _thought(self, name: str) -> Any:
        """All of one field of the thoughts: texts joined, details joined by their index."""
        pieces = [thought[name] for thought in self.thoughts if name in thought]
        if all(isinstance(piece, str) for piece in pieces):
            return "".join(pieces)
        whole: list[Delta] = []
        for piece in (detail for pieces_ in pieces for detail in pieces_):
            if whole and "text" in piece and whole[-1].get("index") == piece["index"]:
                whole[-1] = whole[-1] | piece | {"text": whole[-1]["text"] + piece["text"]}
            else:
                whole.append(dict(piece))
        return whole

    def _refused(self, raw: str) -> Failure:
        metadata = {"raw": raw, "provider_name": "Provider"}
        return Failure(400, self.refuses_with, "invalid_request", metadata=metadata)


def _unpaired(messages: list[Body]) -> str | None:
    """Every provider wants the result of each call right after it, and no other."""
    waiting: list[str] = []
    for message in messages:
        if message.get("role") == "tool":
            if message["tool_call_id"] not in waiting:
                return f"Tool result {message['tool_call_id']} answers no call."
            waiting.remove(message["tool_call_id"])
        elif waiting:
            return f"Tool calls {waiting} have no result."
        else:
            waiting = [call["id"] for call in message.get("tool_calls") or []]
            if len(set(waiting)) < len(waiting):
                return f"Tool call ids {waiting} are not unique."
    return f"Tool calls {waiting} have no result." if waiting else None


def _text(piece: str) -> Delta:
    detail = {"type": "reasoning.text", "text": piece, "format": "anthropic-claude-v1", "index": 0}
    return {"content": "", "reasoning": piece, "reasoning_details": [detail]}


HABITS: dict[str, Habit] = {
    "openai": Habit(
        ids=lambda place, _: f"call_{place:024d}",
        thoughts=(
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.encrypted",
                        "data": "gAAAAABo+/==",
                        "id": "rs_1",
                        "format": "openai-responses-v1",
                        "index": 0,
                    }
                ]
            },
        ),
        wanted_back=("reasoning_details",),
    ),
    "anthropic": Habit(
        ids=lambda place, _: f"toolu_{place:022d}",
        thoughts=(
            _text(THOUGHT[:10]),
            _text(THOUGHT[10:]),
            {
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "", "signature": SIGNATURE, "index": 0}
                ]
            },
        ),
        wanted_back=("reasoning_details",),
        finish={"length": "max_tokens"},
        refuses_with="messages.1.content.0: Expected `thinking` block",
    ),
    "gemini": Habit(
        ids=lambda place, name: f"tool_{place}_{name}",
        same_index=True,
        whole_calls=True,
        call_fields={"extra_content": {"google": {"thought_signature": SIGNATURE}}},
        thoughts=(
            {
                "reasoning_details": [
                    {
                        "type": "reasoning.encrypted",
                        "data": SIGNATURE,
                        "id": "tool_0",
                        "format": "google-gemini-v1",
                        "index": 0,
                    },
                    {"type": "reasoning.encrypted", "data": "CoEB", "id": "tool_1", "index": 1},
                ]
            },
        ),
        wanted_back=("reasoning_details",),
        finish={"tool_calls": "stop", "length": "MAX_TOKENS"},
        refuses_with="Function call is missing a thought_signature in functionCall parts.",
    ),
    "deepseek": Habit(
        ids=lambda place, _: f"call_00_{place}",
        thoughts=({"reasoning_content": THOUGHT[:8]}, {"reasoning_content": THOUGHT[8:]}),
        wanted_back=("reasoning_content",),
        refuses_with="The reasoning_content in the thinking mode must be passed back to the API.",
    ),
    "mistral": Habit(
        ids=lambda place, _: f"D681Pev{place:02d}",
        whole_calls=True,
        id_rule=MISTRAL_ID,
        finish={"length": "model_length"},
        thoughts=(
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]}]},
        ),
    ),
    "bedrock": Habit(ids=lambda place, _: f"tooluse_{place}xY-_", tools_declared=True),
    "xai": Habit(
        ids=lambda place, _: f"call-{place}-8f2a",
        whole_calls=True,
        thoughts=({"reasoning": THOUGHT, "content": None},),
        wanted_back=("reasoning",),
        finish={"tool_calls": "tool_calls", "stop": None},
    ),
    "qwen": Habit(
        ids=lambda _, __: None,
        thoughts=({"content": "<think>\nThe reader wants"}, {"content": " hearts.\n</think>\n\n"}),
        finish={"tool_calls": "stop"},
    ),
    "llama": Habit(
        ids=lambda _, __: "",
        same_index=True,
        whole_calls=True,
        finish={"tool_calls": None, "stop": "eos"},
    ),
}
"""By the name of whoever serves the model."""
