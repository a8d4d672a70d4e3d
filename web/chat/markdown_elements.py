"""Components that render the Markdown of an answer."""

from typing import Any

import reflex as rx

from web.chat.markdown_parser import Block, Line, Row, Span
from web.ui.client_store import selector, store_call, use_store
from web.ui.parts import icon, new_tab_link, value_of

SMALL_BUTTON = (
    "inline-flex min-h-11 min-w-11 cursor-pointer items-center justify-center gap-1.5 rounded-full "
    "px-2.5 text-sm text-faint hover:bg-tint hover:text-ink "
)
LINK = "text-accent underline underline-offset-2 [overflow-wrap:anywhere] "


def _span(span: Span) -> rx.Component:
    style = (
        rx.cond(span.strong, "font-semibold ", "")  # pyright: ignore[reportOperatorIssue]
        + rx.cond(span.em, "italic ", "")
        + rx.cond(span.struck, "line-through ", "")
    )
    code = "rounded bg-tint px-1 py-0.5 font-mono text-[.9em] [overflow-wrap:anywhere]"
    plain = rx.cond(
        span.code,
        rx.el.code(span.text, class_name=code),
        rx.el.span(span.text, class_name=style),
    )
    return rx.cond(
        span.href != "",
        rx.fragment(
            new_tab_link(
                plain,
                href=span.href,
                class_name=rx.cond(span.cites, LINK + "mx-0.5 text-sm font-medium", LINK),
            ),
            rx.cond(
                span.host != "",
                rx.el.span(" (", span.host, ")", class_name="text-sm text-faint"),
            ),
        ),
        plain,
    )


def _line(line: Line) -> rx.Component:
    return rx.el.li(
        rx.el.span(line.marker, class_name="w-6 shrink-0 text-faint tabular-nums"),
        rx.el.span(rx.foreach(line.spans, _span), class_name="min-w-0 whitespace-pre-line"),
        style={"paddingInlineStart": line.indent},
        class_name="flex gap-1",
    )


@rx.memo
def code_part(code: rx.Var[str]) -> rx.Component:
    """A block of code, with a button to copy it."""
    outcome = selector("copyLabel", use_store("copy", "copy"), code)
    return rx.el.div(
        rx.el.div(
            rx.el.button(
                icon("copy", 15),
                rx.cond(outcome != "", outcome, "Copy"),
                rx.el.span(" code", class_name="sr-only"),
                type="button",
                on_click=rx.call_script(store_call("copyCode", code)),
                custom_attrs={"data-copy-code": ""},
                class_name=SMALL_BUTTON,
            ),
            rx.el.span(outcome, role="status", class_name="sr-only"),
            class_name="-mb-2 flex justify-end",
        ),
        rx.el.pre(
            rx.el.code(code),
            tab_index=0,
            class_name="overflow-x-auto px-4 pb-3 font-mono text-sm",
        ),
        class_name="rounded-xl bg-tint",
    )


def _lines(block: Block) -> Any:
    return rx.foreach(block.lines, lambda line: rx.foreach(value_of(line).spans, _span))


def _row(row: Row, cell: Any, **props: Any) -> rx.Component:
    def data_cell(line: Line) -> rx.Component:
        return cell(
            rx.foreach(line.spans, _span),
            class_name="min-w-24 px-3 py-2 text-start align-top",
            **props,
        )

    return rx.el.tr(
        rx.foreach(row.cells, data_cell), class_name="border-b border-line last:border-0"
    )


def _table(block: Block) -> rx.Component:
    """A table, which scrolls on its own where it is too wide, as code does."""
    return rx.el.div(
        rx.el.table(
            rx.el.thead(
                rx.foreach(block.rows[:1], lambda row: _row(row, rx.el.th, scope="col")),
                class_name="border-b border-line bg-tint",
            ),
            rx.el.tbody(rx.foreach(block.rows[1:], lambda row: _row(row, rx.el.td))),
            class_name="w-full text-sm",
        ),
        tab_index=0,
        role="group",
        aria_label="Table",
        dir="auto",
        class_name="overflow-x-auto rounded-xl border border-line",
    )


@rx.memo
def text_part(block: rx.Var[Block]) -> rx.Component:
    """A block of any kind, in the text direction of its first letter (`dir=auto`)."""
    part = value_of(block)
    return rx.fragment(
        rx.match(
            part.kind,
            (
                "list",
                rx.el.ul(
                    rx.foreach(part.lines, _line),
                    class_name="grid gap-1.5",
                    role="list",
                    dir="auto",
                ),
            ),
            ("code", code_part(code=part.code)),  # pyright: ignore[reportArgumentType]
            ("table", _table(part)),
            (
                "quote",
                rx.el.blockquote(
                    _lines(part),
                    class_name="border-s-2 border-line ps-4 text-soft whitespace-pre-line",
                    dir="auto",
                ),
            ),
            (
                "heading",
                rx.el.p(_lines(part), class_name="serif text-xl font-semibold", dir="auto"),
            ),
            ("rule", rx.el.hr(class_name="border-line")),
            rx.el.p(_lines(part), class_name="whitespace-pre-line", dir="auto"),
        )
    )


def text_parts(parts: list[Block]) -> rx.Component:
    return rx.foreach(parts, lambda block: text_part(block=block))  # pyright: ignore[reportReturnType]


@rx.memo
def streamed_text() -> rx.Component:
    """The answer that is being written. It bypasses the page's state, which would send all of it
    whenever it grows: a finished block is sent once and rendered once.
    """
    answer = use_store("answer", "answer")
    parts = rx.Var("(answer ?? [])", _var_data=answer._get_all_var_data()).to(list[Block])
    return rx.el.div(
        rx.foreach(parts, lambda block, index: text_part(block=block, key=index)),  # pyright: ignore[reportArgumentType]
        id="answer",
        class_name=rx.cond(parts.length() > 0, "caret grid grid-cols-1 gap-3", "hidden"),
    )
