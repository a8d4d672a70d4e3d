"""A streamed text: when the page shows it, and which sentences screen readers get."""

import re
import time

FLUSH_S = 0.085
"""The page shows the text about twelve times a second; more is not visible."""

_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)\s*")


def whole_sentences(text: str) -> str:
    """The text up to the end of its last sentence."""
    # Searching forward for ends is linear in the length of the text; one greedy match is not.
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


class StreamedText:
    """The text received so far, and when it was last shown."""

    def __init__(self) -> None:
        self.text = ""
        self._shown_at = float("-inf")

    def append(self, piece: str) -> None:
        self.text += piece

    def clear(self) -> None:
        self.text = ""

    def flush_due(self) -> bool:
        """Whether it is time to show the text again; True starts the next interval."""
        if time.monotonic() - self._shown_at < FLUSH_S:
            return False
        self._shown_at = time.monotonic()
        return True

    def sentences(self) -> str:
        """The whole sentences, for screen readers, which should not read word by word."""
        return whole_sentences(self.text).strip()
