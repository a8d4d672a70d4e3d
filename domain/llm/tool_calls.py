"""The tool calls of a completion, put together from the pieces in which they arrive."""

from dataclasses import dataclass, field
from typing import Any

from domain.llm.fields import Fields, TextJoiner, decode_json, encode_json
from domain.llm.wire import name_of

TOOL_CALLS_AT_MOST = 100
"""Of one completion; further ones are ignored."""


@dataclass
class ToolCall:
    """A tool call of a model; the arguments are text as written, complete only at the end."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: dict[str, Any] = field(default_factory=dict[str, Any])
    """Other fields, such as signatures, which the provider wants back with the call."""
    joiner: TextJoiner = field(default_factory=TextJoiner, repr=False, compare=False)

    @property
    def is_complete(self) -> bool:
        """Whether nothing can follow: it has a name, and its arguments are whole JSON."""
        try:
            decode_json(self.arguments)
        except (ValueError, RecursionError):
            return False
        return bool(self.name)


class ToolCalls:
    """Pieces belong to one call by their index and id. Some providers give every call the same
    index, or no id: another id, or a name after a complete call, begins another call.
    """

    def __init__(self) -> None:
        self._by_index: dict[int, ToolCall] = {}
        self.all: list[ToolCall] = []

    def add(self, message: Fields) -> str:
        """Take the pieces in a message; returns the arguments in them."""
        parts = message.objects("tool_calls")
        return "".join(self._add(position, part) for position, part in enumerate(parts))

    def _add(self, position: int, part: Fields) -> str:
        index = part.count("index")
        index = position if index is None else index
        id_ = name_of(part.identifier("id")) or ""
        function = part.object("function")
        name = (name_of(function.text("name")) if function else None) or ""
        call = self._by_index.get(index)
        if call is None or _begins_another(call, id_, name):
            call = self._by_index[index] = ToolCall()
            if len(self.all) < TOOL_CALLS_AT_MOST:
                self.all.append(call)
        call.id, call.name = call.id or id_, call.name or name
        extra = part.besides("index", "id", "type", "function")
        call.extra |= {field: value for field, value in extra.items() if value is not None}
        written = call.joiner.add(_arguments_of(function) if function else "")
        call.arguments += written
        return written


def _begins_another(call: ToolCall, id_: str, name: str) -> bool:
    if call.id and id_:
        return call.id != id_
    return bool(name) and call.is_complete


def _arguments_of(function: Fields) -> str:
    """The arguments, also those that are an object instead of its text."""
    value = function.raw("arguments")
    if isinstance(value, dict):
        return encode_json(value).decode()
    return function.text("arguments") or ""
