"""The Markdown that models write: CommonMark, with what they write every day and without what a
growing text would flicker between.
"""

import unicodedata

import regex
from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter

MATH = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}
"""What formulas begin and end with."""

_BULLET = regex.compile(
    r"(?:```.*?(?:```|\Z))(*SKIP)(*FAIL)|^(?P<indent>[ \t]*)[•●▪◦‣](?=[ \t])",
    regex.DOTALL | regex.MULTILINE,
)


def new_parser() -> MarkdownIt:
    """HTML and images stay text. Addresses stand in the text itself: a definition elsewhere could
    put one under any words. A line of dashes under a text makes no heading of it: while a list is
    written, its first dash is such a line.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["image", "html_block", "html_inline", "reference", "lheading"])
    parser.inline.ruler.before("escape", "math", _math)
    parser.inline.ruler.at("emphasis", _emphasis)
    return parser


def with_bullets(text: str) -> str:
    """The text with Markdown's own mark for each line that begins with a bullet."""
    return _BULLET.sub(r"\g<indent>-", text)


def _math(state: StateInline, silent: bool) -> bool:
    """A formula stays as it is written, also one that is not written to its end."""
    begin = state.src[state.pos : state.pos + 2]
    if begin not in MATH:
        return False
    end = state.src.find(MATH[begin], state.pos + 2)
    at = state.posMax if end < 0 else end + 2
    if begin == "$$" and end < 0:
        return False
    if not silent:
        state.pending += state.src[state.pos : at]
    state.pos = at
    return True


def _emphasis(state: StateInline, silent: bool) -> bool:
    """CommonMark's emphasis, which also ends and begins beside East Asian letters and punctuation.

    Those put no spaces around it. Source: the proposed amendment of CommonMark's flanking rule for
    Chinese, Japanese and Korean.
    """
    start = state.pos
    marker = state.src[start]
    if silent or marker not in "_*":
        return False
    run = state.scanDelims(start, marker == "*")
    before = state.src[start - 1] if start else " "
    after = state.src[start + run.length] if start + run.length < state.posMax else " "
    can_open, can_close = run.can_open, run.can_close
    if marker == "*":
        can_open = can_open or (_is_east_asian(before) and not after.isspace())
        can_close = can_close or (_is_east_asian(after) and not before.isspace())
    for _ in range(run.length):
        token = state.push("text", "", 0)
        token.content = marker
        state.delimiters.append(
            Delimiter(
                marker=ord(marker),
                length=run.length,
                token=len(state.tokens) - 1,
                end=-1,
                open=can_open,
                close=can_close,
            )
        )
    state.pos += run.length
    return True


def _is_east_asian(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
