"""Markdown as plain data, which a page renders with its own elements: nothing in it can run.

HTML stays text, an image becomes a link, and a link always shows where it leads.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from markdown_it.token import Token

from web.chat.markdown_rules import new_parser, with_bullets

PARSER = new_parser()
CITATION = re.compile(
    r"\\?[\[【［〔]\s{0,3}"
    r"(?:(?:sources?|references?|refs?|citations?|cite|documents?|docs?|s)[\s_.-]{0,3})?"
    r"[\s:^#]{0,3}"
    r"(\d{1,3}(?:(?:\s{0,3}(?:[,;、，&–—~-]|\.\.\.?|…|\band\b|\bto\b)\s{0,3}|\s{1,3})"
    r"(?:sources?|refs?|cite|docs?)?[\s_:^#]{0,3}\d{1,3}){0,20})"
    r"(?::\d{1,3})?(?:†[^\]】］〕]{0,80})?[\s^.]{0,3}\\?[\]】］〕]",
    re.IGNORECASE,
)
"""The same as in `domain/chat/sources.py`."""
NUMBERS = re.compile(r"(\d+)(?:\s*(?:[–—~-]|\.\.\.?|…|to)\s*(\d+))?", re.IGNORECASE)
ADDRESS = re.compile(
    r"(?:https?://|(?<![\w./@-])www\.)"
    r"(?:[^\s<>()\[\]{}\"'`|\\^、。，．；：！？（）「」『』【】《》〈〉“”‘’…]|\([^\s()<>]*\))+"
)
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
RAISED_OR_LOWERED = re.compile(r"<(su[bp])>([^<>]{0,40})</\1>", re.IGNORECASE)
LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
RAISED = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")


@dataclass
class Span:
    """Text in one style."""

    text: str
    strong: bool = False
    em: bool = False
    code: bool = False
    struck: bool = False
    href: str = ""
    """The HTTP address of a link; empty for text that is not a link."""
    host: str = ""
    """The host of the link, shown after its last span; empty for the others."""
    cites: bool = False
    """Whether it is the number of a source."""


@dataclass
class Line:
    spans: list[Span]
    marker: str = ""
    """The bullet or number of an item of a list."""
    indent: str = "0rem"


@dataclass
class Row:
    """A row of a table; the first one is its head."""

    cells: list[Line] = field(default_factory=list[Line])


@dataclass
class Block:
    """A part of a text: "paragraph", "heading", "quote", "list", "code", "table" or "rule"."""

    kind: str
    lines: list[Line] = field(default_factory=list[Line])
    code: str = ""
    rows: list[Row] = field(default_factory=list[Row])


def blocks(text: str, sources: Mapping[int, str] | None = None) -> list[Block]:
    """A Markdown text in blocks; `[1]` becomes a link where source 1 has an address, and no other
    address can be put under it.
    """
    return blocks_of(parse(text), sources or {})


def parse(text: str) -> list[Token]:
    """The parser's tokens of a Markdown text."""
    return PARSER.parse(with_bullets(text))


def blocks_of(tokens: Sequence[Token], sources: Mapping[int, str]) -> list[Block]:
    """The blocks of a parsed text, or of a part of it that consists of whole blocks."""
    found: list[Block] = []
    numbers: list[int | None] = []
    marker, heading, table, quotes, open_list = "", False, False, 0, False
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                ordered = token.type == "ordered_list_open"
                open_list = open_list and bool(numbers)
                numbers.append(int(token.attrGet("start") or 1) if ordered else None)
            case "bullet_list_close" | "ordered_list_close":
                numbers.pop()
            case "list_item_open":
                number = numbers[-1]
                marker = "•" if number is None else f"{number}."
                numbers[-1] = None if number is None else number + 1
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "heading_open" | "heading_close":
                heading = token.type == "heading_open"
            case "fence" | "code_block":
                found.append(Block("code", code=token.content.rstrip("\n")))
                open_list = False
            case "hr":
                found.append(Block("rule"))
                open_list = False
            case "table_open" | "table_close":
                table = token.type == "table_open"
                if table:
                    found.append(Block("table"))
                open_list = False
            case "tr_open":
                found[-1].rows.append(Row())
            case "inline":
                spans = _spans(token.children or [], sources)
                if table:
                    found[-1].rows[-1].cells.append(Line(spans))
                elif numbers:
                    if not open_list:
                        found.append(Block("list"))
                        open_list = True
                    indent = f"{1.25 * (len(numbers) - 1):g}rem"
                    found[-1].lines.append(Line(spans, marker, indent))
                    marker = ""
                else:
                    kind = "heading" if heading else "quote" if quotes else "paragraph"
                    found.append(Block(kind, [Line(spans)]))
            case _:
                pass
    return found


def plain_text(blocks: Iterable[Block]) -> str:
    """The text without its markup, for screen readers."""
    return "\n".join(
        " ".join("".join(span.text for span in line.spans) for line in _lines(part)) or part.code
        for part in blocks
    )


def _lines(part: Block) -> list[Line]:
    return [*part.lines, *(cell for row in part.rows for cell in row.cells)]


def http_address(address: Any) -> tuple[str, str]:
    """An HTTP address and its host; both empty for any other kind of address."""
    try:
        parts = urlsplit(str(address))
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return (str(address), host) if parts.scheme in {"http", "https"} and host else ("", "")


def _spans(tokens: list[Token], sources: Mapping[int, str]) -> list[Span]:
    spans: list[Span] = []
    strong = em = struck = 0
    href = host = ""
    cites = False
    for place, token in enumerate(tokens):
        match token.type:
            case "strong_open" | "strong_close":
                strong += token.nesting
            case "em_open" | "em_close":
                em += token.nesting
            case "s_open" | "s_close":
                struck += token.nesting
            case "link_open":
                cites = _is_citation(_label(tokens[place + 1 :]))
                href, host = ("", "") if cites else http_address(token.attrGet("href"))
            case "link_close":
                if host and spans:
                    spans[-1].host = host
                href, host, cites = "", "", False
            case "code_inline":
                spans.append(Span(token.content, bool(strong), bool(em), code=True, href=href))
            case "softbreak" | "hardbreak":
                spans.append(Span(" " if token.type == "softbreak" else "\n", href=href))
            case _:
                text = _without_tags(token.content)
                if cites and CITATION.fullmatch(f"[{text}]"):
                    text = f"[{text}]"
                pieces = [Span(text, href=href)] if href else _linked(text, sources)
                spans += (
                    replace(piece, strong=bool(strong), em=bool(em), struck=bool(struck))
                    for piece in pieces
                    if piece.text
                )
    return spans


def _label(tokens: Sequence[Token]) -> str:
    """The text of a link that has just begun."""
    label = ""
    for token in tokens:
        if token.type == "link_close":
            break
        label += token.content
    return label


def _is_citation(label: str) -> bool:
    """Whether a link reads as the number of a source, which has an address of its own."""
    label = unicodedata.normalize("NFKC", label)
    return bool(CITATION.search(label) or CITATION.fullmatch(f"[{label}]"))


def _numbers(cited: str) -> list[int]:
    """The numbers in a citation, those within a range included; none in an interval such as 0 to 1,
    or where there are more than anybody cites.
    """
    ranges = [(int(first), int(last or first)) for first, last in NUMBERS.findall(cited)]
    numbers = [number for first, last in ranges for number in range(first, last + 1)]
    return numbers if 0 not in numbers and len(numbers) <= 20 else []


def _without_tags(text: str) -> str:
    """The text with line breaks, and raised and lowered digits, in place of their tags."""

    def shifted(match: re.Match[str]) -> str:
        table = LOWERED if match[1].lower() == "sub" else RAISED
        plain = all(ord(character) in table for character in match[2])
        return match[2].translate(table) if plain else match[2]

    return RAISED_OR_LOWERED.sub(shifted, BREAK.sub("\n", text))


def _linked(text: str, sources: Mapping[int, str]) -> list[Span]:
    """The text in pieces, with links for the sources it cites and for bare addresses."""
    pieces: list[Span] = []
    for piece in _cited(text, sources):
        pieces += [piece] if piece.cites else _addressed(piece.text)
    return pieces


def _addressed(text: str) -> list[Span]:
    pieces: list[Span] = []
    at = 0
    for found in ADDRESS.finditer(text):
        shown = found[0].rstrip(".,;:!?")
        href, host = http_address(shown if "://" in shown else f"https://{shown}")
        if host:
            pieces += [Span(text[at : found.start()]), Span(shown, href=href)]
            at = found.start() + len(shown)
    return [*pieces, Span(text[at:])]


def _cited(text: str, sources: Mapping[int, str]) -> list[Span]:
    """The text in pieces, of which those that cite a source link to it."""
    pieces: list[Span] = []
    at = 0
    for cited in CITATION.finditer(text):
        numbers = _numbers(cited[1])
        if any(number in sources for number in numbers):
            pieces.append(Span(text[at : cited.start()]))
            pieces += (Span(f"[{n}]", href=sources.get(n, ""), cites=n in sources) for n in numbers)
            at = cited.end()
    return [*pieces, Span(text[at:])]
