"""What a chat completion request asks for."""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .scenarios import Scenario, without_markers

_TOPIC = re.compile(r"^\W*topic\W*:[ \t]*(.+?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_PUBLISHED = re.compile(r"already published[^\n]*\n+((?:[^\n]*\S[^\n]*\n?)+)", re.IGNORECASE)
_TOKEN = re.compile(r"\s*\S{1,5}|\s+")

MOST_PIECES = 200
"""Texts longer than 4 000 characters are cut into about this many pieces."""


def pieces(text: str) -> list[str]:
    """A text in the pieces it is streamed in; each counts as one token."""
    if len(text) <= 4_000:
        return _TOKEN.findall(text)
    size = max(20, min(65_536, len(text) // MOST_PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def count_tokens(text: str) -> int:
    return len(_TOKEN.findall(text))


@dataclass(frozen=True)
class Prompt:
    """A request's body, read with tolerance."""

    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["messages"]

    @cached_property
    def text(self) -> str:
        """All messages in one text."""
        return "\n".join(_said(message) for message in self.messages)

    @cached_property
    def tokens(self) -> int:
        schemas = [self.body[key] for key in ("tools", "response_format") if self.body.get(key)]
        return (
            count_tokens(self.text)
            + count_tokens(json.dumps(schemas) if schemas else "")
            + 4 * len(self.messages)
        )

    @property
    def most_tokens(self) -> int | None:
        return self.body.get("max_completion_tokens") or self.body.get("max_tokens")

    @property
    def models(self) -> list[str]:
        """The model asked for and its fallbacks, in order."""
        first = self.body.get("model")
        return [*([first] if first else []), *(self.body.get("models") or [])]

    @property
    def streams(self) -> bool:
        return bool(self.body.get("stream"))

    @property
    def said_last(self) -> str:
        """The last user message."""
        said = [_said(message) for message in self.messages if message.get("role") == "user"]
        return said[-1] if said else ""

    @property
    def scenario(self) -> Scenario | None:
        return Scenario.marked_in(self.said_last)

    @property
    def topic(self) -> str | None:
        """The value of the last `Topic:` line, `None` for none; else the last user message."""
        line = self._topic_line
        if line is None:
            return without_markers(self.said_last)
        try:
            value = json.loads(line)
        except ValueError:
            value = None if line.casefold() == "none" else line
        return without_markers(value) if isinstance(value, str) else None

    @property
    def chats(self) -> bool:
        """Whether this is small talk: no topic line, no schema, no word of JSON."""
        asked = self._topic_line is not None or self.body.get("response_format")
        return not asked and "json" not in self.text.casefold()

    @property
    def published(self) -> list[str]:
        """The facts listed under a heading with `already published`."""
        lines = [line for block in _PUBLISHED.findall(self.text) for line in block.splitlines()]
        return [fact for line in lines for fact in _listed_facts(line)]

    @property
    def tools(self) -> list[dict[str, Any]]:
        if self.body.get("tool_choice") == "none":
            return []
        offered: list[dict[str, Any]] = self.body.get("tools") or []
        return [tool["function"] for tool in offered if "function" in tool]

    @property
    def forced_tool(self) -> str | None:
        """The one function that `tool_choice` names."""
        match self.body.get("tool_choice"):
            case {"function": {"name": str(name)}}:
                return name
            case _:
                return None

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of `response_format`; an empty one for `json_object`."""
        wanted: dict[str, Any] = self.body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return wanted.get("json_schema", {}).get("schema", {})
        return {} if wanted.get("type") == "json_object" else None

    @property
    def _topic_line(self) -> str | None:
        for message in reversed(self.messages):
            if message.get("role") == "user" and (lines := _TOPIC.findall(_said(message))):
                return lines[-1]
        return None


def _said(message: dict[str, Any]) -> str:
    """A message's text, whether its content is a string, a list of parts or nothing."""
    content: Any = message.get("content") or ""
    if isinstance(content, str):
        return content
    parts: list[dict[str, Any]] = content
    return "\n".join(str(part.get("text", "")) for part in parts)


def _listed_facts(line: str) -> list[str]:
    """One line of a list: a bullet or a number, then plain text or JSON; none for mere marks."""
    entry = re.sub(r"^\s*(?:[-*•]|\d+[.)])?\s*", "", line).strip().rstrip(",")
    try:
        value = json.loads(entry)
    except ValueError:
        return [entry] if " " in entry else []
    match value:
        case str(text) | {"text": str(text)} | [str(text), *_] | [{"text": str(text)}, *_]:
            return [text]
        case _:
            return []
