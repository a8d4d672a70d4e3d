"""A text while it is being written: when to show it, and what to read aloud."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import TypeVar

FLUSH_S = 0.085
"""The page gets the text about twelve times a second: more the eye does not see."""

T = TypeVar("T")

_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)\s*")


def whole_sentences(text: str) -> str:
    """The text up to the end of its last sentence."""
    # Looking for ends alone takes time as the text grows, not as its square.
    ends = [found.end() for found in _SENTENCE_END.finditer(text)]
    return text[: ends[-1]] if ends else ""


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
        return whole_sentences(self.whole).strip()


async def with_pauses(
    events: AsyncGenerator[T], after_s: float, *, each: bool = False
) -> AsyncGenerator[T | None]:
    """The events, and None whenever no further one has come for so long: once, or `each` time.

    What was held back to be shown with the next piece has to be shown when there is none; and a
    long silence is the time to see who still listens.
    """
    coming = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({coming}, timeout=after_s)
            if not done:
                yield None
                if each:
                    continue
                await asyncio.wait({coming})
            try:
                event = coming.result()
            except StopAsyncIteration:
                return
            coming = asyncio.ensure_future(anext(events))
            yield event
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration, Exception):
            await coming
        await events.aclose()
