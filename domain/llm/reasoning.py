"""A model's reasoning as it was sent, to be given back with the results of its tool calls.

Source: OpenRouter docs, "Reasoning tokens": the details of a message are one sequence that must
come back unchanged; in a stream its texts arrive in pieces.
"""

from collections.abc import Mapping
from typing import Any

from domain.llm.fields import Fields, TextJoiner, encode_json

TEXTS = ("reasoning", "reasoning_content")
"""Names of plain reasoning: OpenRouter's, and that of DeepSeek and most open servers."""

PIECES = {"reasoning.text": "text", "reasoning.summary": "summary"}
"""Kinds of details that arrive in pieces, and the field whose pieces are joined."""

DETAILS_AT_MOST = 200


class Reasoning:
    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._joiners = {name: TextJoiner() for name in TEXTS}
        self._details: list[dict[str, Any]] = []

    def message_fields(self, renamed: Mapping[str, str]) -> dict[str, Any]:
        """The fields of an assistant's message that give it back, under the names it came with.

        A detail may belong to a tool call by its id, which has another one now if it was `renamed`.
        """
        fields: dict[str, Any] = dict(self._texts)
        if self._details:
            fields["reasoning_details"] = [_renamed(detail, renamed) for detail in self._details]
        return fields

    def add(self, message: Fields) -> None:
        """Take the reasoning in a message or in a piece of one."""
        for name in TEXTS:
            if isinstance(message.raw(name), str):
                piece = self._joiners[name].add(message.raw(name))
                self._texts[name] = self._texts.get(name, "") + piece
        for position, detail in enumerate(message.objects("reasoning_details")):
            values = detail.besides()
            try:
                encode_json(values)
            except (UnicodeEncodeError, RecursionError):
                detail.skip("reasoning_details")
                continue
            # Details in one message are whole, or of different things.
            if not position and self._continues(values):
                continue
            if len(self._details) < DETAILS_AT_MOST:
                self._details.append(values)

    def _continues(self, piece: dict[str, Any]) -> bool:
        """Join a piece to the detail that it continues; False where it begins another one."""
        last = self._details[-1] if self._details else {}
        joined = PIECES.get(str(piece.get("type")))
        same = all(last.get(name) == piece.get(name) for name in ("type", "index"))
        ids = {last.get("id"), piece.get("id")} - {None}
        if not joined or not same or last.get("signature") or len(ids) > 1:
            return False
        text = str(last.get(joined) or "") + str(piece.get(joined) or "")
        last |= {name: value for name, value in piece.items() if value is not None}
        last[joined] = text
        return True


def _renamed(detail: dict[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    id_ = detail.get("id")
    return detail | {"id": renamed[id_]} if isinstance(id_, str) and id_ in renamed else detail
