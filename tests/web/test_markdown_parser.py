"""The text of a model becomes blocks of known kinds, and nothing that can run or load."""

import json
from pathlib import Path
from typing import Any

import pytest

from web.chat.markdown_parser import Block, Line, Row, Span, blocks, plain_text

CORPUS: dict[str, list[str]] = json.loads(
    (Path(__file__).parent.parent / "security" / "markup.json").read_text()
)


def spans(text: str, **options: Any) -> list[Span]:
    (block,) = blocks(text, **options)
    return block.lines[0].spans


def test_paragraphs_lists_headings_quotes_and_code_are_blocks():
    text = (
        "# Bees\n\nThey *dance*.\n\n1. near\n2. far\n   - left\n\n> Yes.\n\n```py\nx = 1\n```\n---"
    )
    assert [part.kind for part in blocks(text)] == [
        "heading",
        "paragraph",
        "list",
        "quote",
        "code",
        "rule",
    ]
    assert blocks(text)[2].lines == [
        Line([Span("near")], "1.", "0rem"),
        Line([Span("far")], "2.", "0rem"),
        Line([Span("left")], "•", "1.25rem"),
    ]
    assert blocks(text)[4] == Block("code", code="x = 1")


def test_a_table_has_a_head_and_rows_of_cells():
    (part,) = blocks("| Dance | Where |\n|---|---:|\n| round | *near* |\n| waggle | |")
    assert part == Block(
        "table",
        rows=[
            Row([Line([Span("Dance")]), Line([Span("Where")])]),
            Row([Line([Span("round")]), Line([Span("near", em=True)])]),
            Row([Line([Span("waggle")]), Line([])]),
        ],
    )
    assert [block.kind for block in blocks("- a\n\n  |b|\n  |-|\n- c")] == ["list", "table", "list"]
    assert plain_text([part]) == "Dance Where round near waggle "


def test_separate_lists_are_separate_blocks():
    assert [part.kind for part in blocks("- a\n\ntext\n\n- b")] == ["list", "paragraph", "list"]
    assert [part.kind for part in blocks("- a\n\n1. b")] == ["list", "list"]


def test_emphasis_is_kept_where_it_was():
    assert spans("a **b *c*** `d`") == [
        Span("a "),
        Span("b ", strong=True),
        Span("c", strong=True, em=True),
        Span(" "),
        Span("d", code=True),
    ]


def test_a_link_shows_its_host_whatever_its_text():
    (link,) = spans("[bank.example](https://bank.example@evil.example/a)")
    assert (link.href, link.host) == ("https://bank.example@evil.example/a", "evil.example")


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "/api/keys", "//evil.example", "mailto:a@b"],
)
def test_a_link_leads_only_to_web_addresses(address: str):
    assert all(not span.href for span in spans(f"[press me]({address})"))


def test_an_image_is_a_link_and_html_is_text():
    (mark, link) = spans("![pixel](https://evil.example/p.png)")
    assert (mark.text, link.text, link.host) == ("!", "pixel", "evil.example")
    assert spans("<img src=x onerror=alert(1)>") == [Span("<img src=x onerror=alert(1)>")]


def test_the_number_of_a_source_is_a_link_and_others_are_text():
    assert spans("So [1], not [2].", sources={1: "/f/1"}) == [
        Span("So "),
        Span("[1]", href="/f/1", cites=True),
        Span(", not [2]."),
    ]


@pytest.mark.parametrize(
    "payload", [payload for payloads in CORPUS.values() for payload in payloads]
)
def test_every_payload_becomes_text_and_web_links(payload: str):
    for part in blocks(payload):
        for line in [*part.lines, *(cell for row in part.rows for cell in row.cells)]:
            for span in line.spans:
                assert not span.href or span.href.startswith(("http://", "https://"))


def test_plain_text_has_no_markup():
    assert plain_text(blocks("**Bees** dance.\n\n- near\n- far")) == "Bees dance.\nnear far"
