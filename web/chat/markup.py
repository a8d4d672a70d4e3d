"""Markdown as plain data that a page draws from elements of its own: nothing in it can run.

HTML stays the words it is, a picture becomes a link, and a link always says where it leads.
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
PARSER.disable(["image", "html_block", "html_inline"])
CITED = re.compile(r"\[(\d{1,3})\]")


@dataclass
class Span:
    """Some words that look alike."""

    text: str
    strong: bool = False
    em: bool = False
    code: bool = False
    href: str = ""
    """Where a link leads, always over HTTP; empty for words that are none."""
    host: str = ""
    """The site it leads to, to be shown beside it; empty when the words say it."""
    cites: bool = False
    """Whether it is the number of a source."""


@dataclass
class Line:
    spans: list[Span]
    marker: str = ""
    """What stands before an item of a list."""
    indent: str = "0rem"


@dataclass
class Row:
    """Of a table; the first is its head."""

    cells: list[Line] = field(default_factory=list[Line])


@dataclass
class Block:
    """A part of a text: "paragraph", "heading", "quote", "list", "code", "table" or "rule"."""

    kind: str
    lines: list[Line] = field(default_factory=list[Line])
    code: str = ""
    rows: list[Row] = field(default_factory=list[Row])


def blocks(text: str, sources: Mapping[int, str] | None = None) -> list[Block]:
    """A Markdown text in parts; `[1]` becomes a link where there is an address of source 1."""
    return in_parts(parsed(text), sources or {})


def parsed(text: str) -> list[Token]:
    """A Markdown text as the parser has it."""
    return PARSER.parse(text)


def in_parts(tokens: Sequence[Token], sources: Mapping[int, str]) -> list[Block]:
    """The parts of a parsed text, or of some whole paragraphs, lists and so on of it."""
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


def words(parts: Iterable[Block]) -> str:
    """What is said without how it looks, for screen readers."""
    return "\n".join(
        " ".join("".join(span.text for span in line.spans) for line in _lines(part)) or part.code
        for part in parts
    )


def _lines(part: Block) -> list[Line]:
    return [*part.lines, *(cell for row in part.rows for cell in row.cells)]


def web_address(address: Any) -> tuple[str, str]:
    """An address a reader may be led to, and its host; both empty when it is another kind."""
    try:
        parts = urlsplit(str(address))
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return (str(address), host) if parts.scheme in {"http", "https"} and host else ("", "")


def _spans(tokens: list[Token], sources: Mapping[int, str]) -> list[Span]:
    spans: list[Span] = []
    strong = em = 0
    href = host = ""
    for token in tokens:
        match token.type:
            case "strong_open" | "strong_close":
                strong += token.nesting
            case "em_open" | "em_close":
                em += token.nesting
            case "link_open":
                href, host = web_address(token.attrGet("href"))
            case "link_close":
                if host and spans:
                    spans[-1].host = host
                href = host = ""
            case "code_inline":
                spans.append(Span(token.content, bool(strong), bool(em), code=True, href=href))
            case "softbreak" | "hardbreak":
                spans.append(Span(" " if token.type == "softbreak" else "\n", href=href))
            case _:
                for text, number in _cited(token.content, sources if not href else {}):
                    to = sources[number] if number else href
                    span = Span(text, bool(strong), bool(em), href=to, cites=bool(number))
                    spans.append(span)
    return spans


def _cited(text: str, sources: Container[int]) -> list[tuple[str, int]]:
    """The text in pieces, each with the number of the source it names, or 0."""
    pieces: list[tuple[str, int]] = []
    at = 0
    for cited in CITED.finditer(text):
        if int(cited[1]) in sources:
            pieces += [(text[at : cited.start()], 0), (cited[0], int(cited[1]))]
            at = cited.end()
    return [piece for piece in [*pieces, (text[at:], 0)] if piece[0]]
