"""A text while it is being written: when to show it, and what to read aloud."""

import re
import time

FLUSH_S = 0.085
"""The page gets the text about twelve times a second: more the eye does not see."""

SENTENCE = re.compile(r".*?[.!?…](?=\s|$)\s*", re.DOTALL)


class Draft:
    """The text so far, and when the page last got it."""

    def __init__(self) -> None:
        self.whole = ""
        self._shown_at = float("-inf")

    def add(self, piece: str) -> None:
        self.whole += piece

    def restart(self) -> None:
        self.whole = ""

    def due(self) -> bool:
        """Whether it is time to show it again; saying yes counts as shown."""
        if time.monotonic() - self._shown_at < FLUSH_S:
            return False
        self._shown_at = time.monotonic()
        return True

    def sentences(self) -> str:
        """The whole sentences, for screen readers: they should not read word by word."""
        return "".join(SENTENCE.findall(self.whole)).strip()
