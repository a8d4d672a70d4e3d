"""Messages and titles as callers write them, and as they are stored; pure functions."""

from domain.errors import Invalid
from domain.text import clean, clean_lines, graphemes, shorten

MESSAGE_GRAPHEMES = 2_000
TITLE_GRAPHEMES = 120
TITLE_LENGTH = 1_000
"""In code points, of which one character may have any number."""

DEFAULT_TITLE_LENGTH = 60
"""In code points, of a title made from the first message."""


def read_message(text: str) -> str:
    """Raises: Invalid: It shows nothing, or is too long."""
    message = clean_lines(text).strip()
    if not message:
        raise Invalid("Say something.", field="/text")
    if graphemes(message) > MESSAGE_GRAPHEMES:
        raise Invalid(
            f"A message has at most {MESSAGE_GRAPHEMES:,} characters. Yours has"
            f" {graphemes(message):,}.",
            field="/text",
        )
    return message


def read_title(text: str | None) -> str:
    """Raises: Invalid: It is too long."""
    title = clean(text) if text else ""
    if graphemes(title) > TITLE_GRAPHEMES or len(title) > TITLE_LENGTH:
        raise Invalid(f"A title has at most {TITLE_GRAPHEMES} characters.", field="/title")
    return title


def default_title(message: str) -> str:
    """The first words of a message."""
    words = " ".join(message.split())
    if len(words) <= DEFAULT_TITLE_LENGTH:
        return words
    return f"{shorten(words, DEFAULT_TITLE_LENGTH).rsplit(' ', 1)[0]}…"
