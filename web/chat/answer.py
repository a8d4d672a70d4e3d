"""An answer while it is written: applies the events of its stream, and yields what to show."""

import re

from httpx_sse import ServerSentEvent

from api.schemas.chat_events import (
    ChatStatusEvent,
    ChatTokenEvent,
    ToolCallEvent,
    ToolResultEvent,
    UsageEvent,
)
from api.schemas.chat_messages import SourceOut, ToolUseOut
from web.chat.markdown_diff import IncrementalRenderer, Patch
from web.chat.markdown_parser import blocks, plain_text
from web.chat.words import SourceView, ToolView, addresses, meter_text, to_source_view, to_tool_view
from web.client.api import read_event
from web.ui.streamed_text import StreamedText, whole_sentences

_MARKS = re.compile(r"[ \t]*(?:[#>|+=_~*`•-]{1,6}|\d{1,9}[.)]?)[ \t]*")


class StreamedAnswer:
    """Applies the events of an answer's stream."""

    def __init__(self, text: str = "") -> None:
        self.stage = "Waiting for an overlord…"
        self.meter = ""
        self.tools: list[ToolView] = []
        self.sources: list[SourceView] = []
        self._known_sources: list[SourceOut] = []
        self._streamed = StreamedText()
        self._streamed.append(text)
        self._renderer = IncrementalRenderer()
        self._changed_at = 0
        self._spoken_length = len(text)

    @property
    def text(self) -> str:
        return self._streamed.text

    def apply(self, event: ServerSentEvent) -> bool:
        """Apply an event; True when it is the last one."""
        if not event.data:
            # The first event of a stream only sets the delay before a reconnection.
            return False
        match event.event:
            case "message" | "error":
                return True
            case "status":
                self.stage = read_event(event, ChatStatusEvent).detail
            case "token":
                token = read_event(event, ChatTokenEvent)
                self._streamed.text = self.text[: token.at] + token.text
                self._changed_at = min(self._changed_at, token.at)
            case "tool_call":
                call = read_event(event, ToolCallEvent)
                self._put(to_tool_view(ToolUseOut(call.id, call.name, call.arguments, None, "")))
            case "tool_result":
                self._apply_result(read_event(event, ToolResultEvent))
            case "usage":
                self.meter = meter_text(read_event(event, UsageEvent).chat)
            case _:
                pass
        return False

    def flush_due(self) -> bool:
        return self._streamed.flush_due()

    def next_patch(self) -> Patch | None:
        """The patch with the changes since the last one; None without changes."""
        shown = _settled(self.text)
        changed_at = min(self._changed_at, len(shown))
        self._renderer.update(shown, changed_at, addresses(self._known_sources))
        self._changed_at = len(shown)
        return self._renderer.next_patch()

    def unspoken_sentences(self) -> str:
        """The complete sentences since the last call, as plain text."""
        sentences = whole_sentences(self.text[self._spoken_length :])
        self._spoken_length += len(sentences)
        return plain_text(blocks(sentences)).strip()

    def unspoken_rest(self) -> str:
        """All text since the last call, at the end of the answer."""
        rest, self._spoken_length = self.text[self._spoken_length :], len(self.text)
        return plain_text(blocks(rest)).strip()

    def _apply_result(self, result: ToolResultEvent) -> None:
        call = next((tool for tool in self.tools if tool.id == result.id), None)
        used = to_tool_view(ToolUseOut(result.id, result.name, "", result.ok, result.summary))
        used.arguments = call.arguments if call else ""
        self._put(used)
        known = {source.number for source in self._known_sources}
        if new := [source for source in result.sources if source.number not in known]:
            self._known_sources += new
            # Earlier text may cite the new sources.
            self._renderer.restart()
        self.sources = [to_source_view(source) for source in self._known_sources]

    def _put(self, used: ToolView) -> None:
        """Add the use of a tool, or replace the entry with the same id."""
        others = [tool for tool in self.tools if tool.id != used.id]
        indexes = (index for index, tool in enumerate(self.tools) if tool.id == used.id)
        index = next(indexes, len(others))
        self.tools = [*others[:index], used, *others[index:]]


def _settled(text: str) -> str:
    """The text without a last line of marks alone, which may become an item or a rule."""
    start = text.rfind("\n") + 1
    return text[:start] if _MARKS.fullmatch(text, start) else text
