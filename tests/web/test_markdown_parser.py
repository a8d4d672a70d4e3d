"""The text of a model becomes blocks of known kinds, and nothing that can run or load."""

import json
from pathlib import Path
from typing import Any

import pytest

from domain.chat.sources import Sources
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


SOURCES = {1: "https://facts.example/1", 2: "https://facts.example/2", 3: "https://web.example/3"}


def links(text: str) -> list[tuple[str, str]]:
    """What is a link in a text, and where it leads."""
    spans = [span for block in blocks(text, SOURCES) for line in block.lines for span in line.spans]
    return [(span.text, span.href) for span in spans if span.href]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Three [1].", [1]),
        ("Three [1, 2].", [1, 2]),
        ("Three [2,3].", [2, 3]),
        ("Three [2; 3] or [1 and 3].", [2, 3, 1, 3]),
        ("Three [2][3].", [2, 3]),
        ("Three [1-3].", [1, 2, 3]),
        ("Three [1–3].", [1, 2, 3]),
        ("Three [^2].", [2]),
        ("Three [Source 1].", [1]),
        ("Three [sources: 1, 2].", [1, 2]),
        ("Three 【1†source】 and 【2】.", [1, 2]),
        ("三【1、2】。", [1, 2]),
        ("Three [citation:1] and [cite: 2, 3].", [1, 2, 3]),
        ("Three [^1^], [ref_2] and [doc3].", [1, 2, 3]),
        ("Three 【1:0†source】【2†L1-L4】〔3〕［1］.", [1, 2, 3, 1]),
        ("Three [1 to 3], [1…3] or [1..2].", [1, 2, 3, 1, 2, 3, 1, 2]),
        ("Three [[1]], <sup>[2]</sup> and \\[3\\].", [1, 2, 3]),
        ("Three [1, 7].", [1]),
        ("Page [1-300].", []),
        ("The interval [0, 1] and [9].", []),
        ("In code: `[1]`.", []),
    ],
)
def test_citations_are_links_however_they_are_spelt(text, numbers):
    assert links(text) == [(f"[{number}]", SOURCES[number]) for number in numbers]
    known = Sources("https://facts.example")
    for number in SOURCES:
        known.web(f"Page {number}", SOURCES[number])
    if numbers:
        assert {source.number for source in known.cited_in(text)} == set(numbers)


@pytest.mark.parametrize(
    "text",
    [
        "Three [1].\n\n[1]: https://evil.example/steal",
        "[1]: https://evil.example/steal\n\nThree [1].",
        'Three [1].\n\n[1]: <https://evil.example> "title"',
        "Three [1](https://evil.example/steal).",
        "Three [[1]](https://evil.example/steal).",
        "Three [**1**](https://evil.example/steal) and [1].",
        "Three [Source 1](https://evil.example/steal).",
        "Three [see [1]](https://evil.example/steal).",
        "Three [[1], [2]](https://evil.example/steal).",
        "Three [`1`](https://evil.example/steal) and ![1](https://evil.example/steal).",
        "Three [¹](https://evil.example/steal) and [&#49;](https://evil.example/steal).",
        "Three [7](https://evil.example/steal).",
        "Three [1][e].\n\n> [e]: https://evil.example/steal",
    ],
)
def test_nothing_gives_a_citation_another_address(text):
    found = links(text)

    assert all(href == SOURCES[1] for label, href in found if label.strip("[]") == "1")
    assert not [label for label, href in found if "evil" in href and "evil" not in label]


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ("**重要提示（Important）：**请注意", "重要提示（Important）："),
        ("これは**「重要」**です", "「重要」"),
        ("请**注意。**然后", "注意。"),
        ("**한국어(Korean)**는", "한국어(Korean)"),
        ("**重要。**Important", "重要。"),
        ("他说**“你好”**了", "“你好”"),
        ("版本**v1.0（beta）**ok", "v1.0（beta）"),
        ("**〜ﾃｽﾄ！**ﾊｲ", "〜ﾃｽﾄ！"),
    ],
)
def test_emphasis_beside_east_asian_punctuation(text, strong):
    spans = [span for block in blocks(text) for line in block.lines for span in line.spans]

    assert [span.text for span in spans if span.strong] == [strong]
    assert "*" not in "".join(span.text for span in spans)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"So \(a_1 * b_2\) is.", r"So \(a_1 * b_2\) is."),
        (r"\[E = mc^2\]", r"\[E = mc^2\]"),
        (r"$$\frac{1}{2}$$ and \(x", r"$$\frac{1}{2}$$ and \(x"),
        (r"$\{1, 2\}$, $a_1*b_2*c$", r"$\{1, 2\}$, $a_1*b_2*c$"),
        ("It costs $5 and *not* $6", "It costs $5 and not $6"),
        ("$$\na\n- b \\\\\n+ c\n$$", "$$\na\n- b \\\\\n+ c\n$$"),
        ("So:\n\\[\n1. a\n\\]\n*b*", "So:\\[\n1. a\n\\]b"),
        (r"\begin{align}a\\b\end{align} *c*", r"\begin{align}a\\b\end{align} c"),
        ("H<sub>2</sub>O, x<sup>n+1</sup>, 1<sup>st</sup>", "H₂O, xⁿ⁺¹, 1st"),
        ("~~废弃（旧）。~~请", "废弃（旧）。请"),
        ("One<br>two<br/>three", "One\ntwo\nthree"),
        ("It is ~~not~~ so", "It is not so"),
    ],
)
def test_what_models_write_every_day_looks_right(text, shown):
    assert "".join(s.text for b in blocks(text) for line in b.lines for s in line.spans) == shown


@pytest.mark.parametrize("text", ["• a\n• b", "● a\n● b", "  ‣ a\n  ‣ b", "•a\n•b", "· a\n· b"])
def test_lines_with_bullets_are_a_list(text):
    (block,) = blocks(text)

    assert (block.kind, [line.marker for line in block.lines]) == ("list", ["•", "•"])


@pytest.mark.parametrize("end", ["-", "--", "---", "=", "- ", "- a"])
def test_a_paragraph_never_turns_into_a_heading_while_a_list_begins(end):
    assert "heading" not in {block.kind for block in blocks(f"Some facts:\n{end}")}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("See https://x.example/a.", "https://x.example/a"),
        ("See (https://x.example/a), or not", "https://x.example/a"),
        ("https://x.example/Bee_(insect)!", "https://x.example/Bee_(insect)"),
        ("见https://x.example/蜂。", "https://x.example/蜂"),
        ("“https://x.example/a”，再", "https://x.example/a"),
        ("**https://x.example/a_b_c**…", "https://x.example/a_b_c"),
    ],
)
def test_a_bare_address_is_a_link(text, address):
    assert links(text) == [(address, address)]


def test_a_bare_address_without_a_scheme_is_a_link_too():
    assert links("See www.x.example/a, not x@www.y.example") == [
        ("www.x.example/a", "https://www.x.example/a")
    ]
