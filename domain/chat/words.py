"""What somebody says, as it is kept; pure functions."""

from domain.errors import Invalid
from domain.text import clean_lines, graphemes

MESSAGE_GRAPHEMES = 2_000
TITLE_LENGTH = 60
"""In code points, of a title nobody gave."""


def read_message(text: str) -> str:
    """Raises: Invalid: It shows nothing, or is too long."""
    said = clean_lines(text).strip()
    if not said:
        raise Invalid("Say something.", field="/text")
    if graphemes(said) > MESSAGE_GRAPHEMES:
        raise Invalid(
            f"A message has at most {MESSAGE_GRAPHEMES:,} characters. Yours has"
            f" {graphemes(said):,}.",
            field="/text",
        )
    return said


def title_from(text: str) -> str:
    """The first words of a message."""
    words = " ".join(text.split())
    return words if len(words) <= TITLE_LENGTH else f"{words[:TITLE_LENGTH].rsplit(' ', 1)[0]}…"
