"""An answer while it is written: what came of it, and what of that to show."""

from httpx_sse import ServerSentEvent

from api.schemas.chats import (
    ChatStatusEvent,
    ChatTokenEvent,
    SourceOut,
    ToolCallEvent,
    ToolResultEvent,
    ToolUseOut,
    UsageEvent,
)
from web.chat.markdown_diff import Change, Growing
from web.chat.markup import blocks, words
from web.chat.words import Source, ToolUse, addresses, meter_words, to_source, to_tool
from web.client.api import read
from web.ui.draft import Draft, whole_sentences


class Answer:
    """Takes in the events of a stream."""

    def __init__(self, text: str = "") -> None:
        self.last_id = ""
        self.stage = "Waiting for an overlord…"
        self.meter = ""
        self.tools: list[ToolUse] = []
        self.sources: list[Source] = []
        self._known: list[SourceOut] = []
        self._draft = Draft()
        self._draft.add(text)
        self._growing = Growing()
        self._changed_at = 0
        self._told = len(text)
        self._moved = False

    @property
    def text(self) -> str:
        return self._draft.whole

    def take(self, event: ServerSentEvent) -> bool:
        """Take in an event; True when it is the last one."""
        if not event.data:
            # The opening of every stream: it says only when to come back.
            return False
        self.last_id, self._moved = event.id or self.last_id, True
        match event.event:
            case "message" | "error":
                return True
            case "status":
                self.stage = read(event, ChatStatusEvent).detail
            case "token":
                token = read(event, ChatTokenEvent)
                self._draft.whole = self._draft.whole[: token.at] + token.text
                self._changed_at = min(self._changed_at, token.at)
            case "tool_call":
                call = read(event, ToolCallEvent)
                used = ToolUseOut(call.id, call.name, call.arguments, None, "")
                self._put(to_tool(used))
            case "tool_result":
                self._result(read(event, ToolResultEvent))
            case "usage":
                self.meter = meter_words(read(event, UsageEvent).chat)
            case _:
                pass
        return False

    def due(self) -> bool:
        return self._draft.due()

    def moved(self) -> bool:
        """Whether anything came since this was asked last."""
        moved, self._moved = self._moved, False
        return moved

    def change(self) -> Change | None:
        """What the page does not have yet of the text."""
        self._growing.read(self.text, self._changed_at, addresses(self._known))
        self._changed_at = len(self.text)
        return self._growing.change()

    def to_say(self) -> str:
        """Whole sentences that were not said aloud yet."""
        said = whole_sentences(self.text[self._told :])
        self._told += len(said)
        return words(blocks(said)).strip()

    def rest_to_say(self) -> str:
        """What is left at the end."""
        rest, self._told = self.text[self._told :], len(self.text)
        return words(blocks(rest)).strip()

    def _result(self, result: ToolResultEvent) -> None:
        before = next((one for one in self.tools if one.id == result.id), None)
        used = to_tool(ToolUseOut(result.id, result.name, "", result.ok, result.summary))
        used.asked = before.asked if before else ""
        self._put(used)
        known = {one.number for one in self._known}
        if new := [one for one in result.sources if one.number not in known]:
            self._known += new
            # What was written before may name them.
            self._growing.restart()
        self.sources = [to_source(one) for one in self._known]

    def _put(self, used: ToolUse) -> None:
        kept = [one for one in self.tools if one.id != used.id]
        at = next((n for n, one in enumerate(self.tools) if one.id == used.id), len(kept))
        self.tools = [*kept[:at], used, *kept[at:]]
