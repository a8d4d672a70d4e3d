"""The Markdown that models write: CommonMark, with what they write every day and without what a
growing text would flicker between.
"""

import unicodedata
from collections.abc import Callable

import regex
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline, emphasis, strikethrough

_FORMULA = regex.compile(
    r"\$\$.+?\$\$"
    # Prices are none: a formula has no space within its dollars, and no digit after them.
    r"|\$(?![\s$])(?:[^$\\\n]|\\.)+(?<!\s)\$(?!\d)"
    r"|\\\(.*?(?:\\\)|\Z)"
    # Escaped brackets around numbers are a citation.
    r"|\\\[(?!\s*\d[\d,;\s–-]{0,40}\\\]).*?(?:\\\]|\Z)"
    r"|\\begin\{(?P<name>\w{1,20}\*?)\}.*?(?:\\end\{(?P=name)\}|\Z)",
    regex.DOTALL,
)
_FORMULA_LINES = {"$$": "$$", r"\[": r"\]"}
"""Lines that begin a formula, each with the line that ends it."""

_BULLET = regex.compile(
    r"(?:^[ \t]*(?P<fence>```|~~~).*?(?:\n[ \t]*(?P=fence)|\Z))(*SKIP)(*FAIL)"
    r"|^(?P<indent>[ \t]*)(?:[•●▪◦‣∙⁃·](?=[ \t])|[•●▪◦‣∙⁃](?P<joined>(?=[^\s•●▪◦‣∙⁃])))",
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
    parser.inline.ruler.at("emphasis", _beside_east_asian(emphasis.tokenize))
    parser.inline.ruler.at("strikethrough", _beside_east_asian(strikethrough.tokenize))
    interrupts: RuleOptionsType = {"alt": ["paragraph", "blockquote", "list"]}
    parser.block.ruler.before("fence", "formula", _formula_block, interrupts)
    return parser


def with_bullets(text: str) -> str:
    """The text with Markdown's own mark for each line that begins with a bullet."""
    return _BULLET.sub(
        lambda bullet: f"{bullet['indent']}-" + (" " if bullet["joined"] is not None else ""), text
    )


def _math(state: StateInline, silent: bool) -> bool:
    """A formula stays as it is written, also one that is not written to its end."""
    formula = _FORMULA.match(state.src, state.pos, state.posMax)
    if not formula:
        return False
    if not silent:
        state.pending += formula[0]
    state.pos = formula.end()
    return True


def _formula_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    """A formula on lines of its own is a paragraph, even where a line begins like a list."""
    lines = [_line_of(state, line) for line in range(start_line, end_line)]
    if state.is_code_block(start_line) or lines[0] not in _FORMULA_LINES:
        return False
    if silent:
        return True
    end = next((n for n, line in enumerate(lines) if n and line == _FORMULA_LINES[lines[0]]), None)
    state.line = end_line if end is None else start_line + end + 1
    state.push("paragraph_open", "p", 1).map = [start_line, state.line]
    inline = state.push("inline", "", 0)
    inline.content = "\n".join(lines[: state.line - start_line])
    inline.map, inline.children = [start_line, state.line], []
    state.push("paragraph_close", "p", -1)
    return True


def _line_of(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].rstrip()


def _beside_east_asian(
    tokenize: Callable[[StateInline, bool], bool],
) -> Callable[[StateInline, bool], bool]:
    """The rule of a mark such as `**`, which may also begin and end beside East Asian letters and
    punctuation: those put no spaces around it.

    Source: the proposed amendment of CommonMark's flanking rule for Chinese, Japanese and Korean.
    """

    def rule(state: StateInline, silent: bool) -> bool:
        start, known = state.pos, len(state.delimiters)
        if not tokenize(state, silent):
            return False
        before = state.src[start - 1] if start else " "
        after = state.src[state.pos] if state.pos < state.posMax else " "
        if state.src[start] != "_" and (_is_east_asian(before) or _is_east_asian(after)):
            for delimiter in state.delimiters[known:]:
                delimiter.open = delimiter.open or not after.isspace()
                delimiter.close = delimiter.close or not before.isspace()
        return True

    return rule


def _is_east_asian(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WFH"
