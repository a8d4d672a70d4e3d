"""One message of a chat: its words, what was looked up for it, and what may be done with it."""

from typing import Any

import reflex as rx
from reflex_components_core.el.elements.inline import A

from web import design
from web.chat_words import Said, Source, ToolUse
from web.components.parts import emoji, icon, value_of
from web.live import ask, call, seen
from web.markup import Block, Line, Span
from web.votes import Votes

SMALL = (
    "inline-flex min-h-11 min-w-11 cursor-pointer items-center justify-center gap-1.5 rounded-full "
    "px-2.5 text-sm text-faint hover:bg-tint hover:text-ink "
)
LINK = "text-accent underline underline-offset-2 [overflow-wrap:anywhere] "


def _outward(*content: Any, href: Any, **props: Any) -> rx.Component:
    """A link in a new tab that learns nothing about this one."""
    return A.create(*content, href=href, target="_blank", rel="noopener noreferrer", **props)


def _span(span: Span) -> rx.Component:
    look = rx.cond(span.strong, "font-semibold ", "") + rx.cond(span.em, "italic ", "")  # pyright: ignore[reportOperatorIssue]
    code = "rounded bg-tint px-1 py-0.5 font-mono text-[.9em] [overflow-wrap:anywhere]"
    plain = rx.cond(
        span.code,
        rx.el.code(span.text, class_name=code),
        rx.el.span(span.text, class_name=look),
    )
    return rx.cond(
        span.href != "",
        rx.fragment(
            _outward(
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
    """Code as it is written, to be copied."""
    said = ask("copied", seen("copy", "copy"), code)
    return rx.el.div(
        rx.el.div(
            rx.el.button(
                icon("copy", 15),
                rx.cond(said != "", said, "Copy"),
                rx.el.span(" code", class_name="sr-only"),
                type="button",
                on_click=rx.call_script(call("copyHere", code)),
                custom_attrs={"data-copy-code": ""},
                class_name=SMALL,
            ),
            rx.el.span(said, role="status", class_name="sr-only"),
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


@rx.memo
def text_part(block: rx.Var[Block]) -> rx.Component:
    """A paragraph, a list and so on, from elements of our own."""
    part = value_of(block)
    return rx.fragment(
        rx.match(
            part.kind,
            (
                "list",
                rx.el.ul(rx.foreach(part.lines, _line), class_name="grid gap-1.5", role="list"),
            ),
            ("code", code_part(code=part.code)),  # pyright: ignore[reportArgumentType]
            (
                "quote",
                rx.el.blockquote(
                    _lines(part),
                    class_name="border-l-2 border-line pl-4 text-soft whitespace-pre-line",
                ),
            ),
            ("heading", rx.el.p(_lines(part), class_name="serif text-xl font-semibold")),
            ("rule", rx.el.hr(class_name="border-line")),
            rx.el.p(_lines(part), class_name="whitespace-pre-line"),
        )
    )


def text_parts(parts: list[Block]) -> rx.Component:
    return rx.foreach(parts, lambda block: text_part(block=block))  # pyright: ignore[reportReturnType]


@rx.memo
def words_so_far() -> rx.Component:
    """The answer that is being written. It does not pass through the page's state, which would
    send all of it whenever it grows: a part that is finished is sent once and drawn once.
    """
    so_far = seen("answer", "answer")
    parts = rx.Var("(answer ?? [])", _var_data=so_far._get_all_var_data()).to(list[Block])
    return rx.el.div(
        rx.foreach(parts, lambda block, place: text_part(block=block, key=place)),  # pyright: ignore[reportArgumentType]
        id="answer",
        class_name=rx.cond(parts.length() > 0, "caret grid grid-cols-1 gap-3", "hidden"),
    )


def _tool(tool: ToolUse) -> rx.Component:
    mark = rx.match(
        tool.state,
        ("running", icon("loader", 15, class_name="shrink-0")),
        ("failed", icon("circle-alert", 15, class_name="shrink-0")),
        icon("check", 15, class_name="shrink-0 text-good"),
    )
    return rx.el.details(
        rx.el.summary(
            mark,
            rx.el.span(tool.title, class_name="truncate"),
            rx.cond(tool.state == "running", "…", ""),
            icon("chevron-down", 15, class_name="ml-auto shrink-0"),
            class_name="flex min-h-11 cursor-pointer items-center gap-2 px-3 text-sm text-soft",
        ),
        rx.el.div(
            rx.el.p(tool.asked, class_name="font-mono [overflow-wrap:anywhere]"),
            rx.el.p(tool.found, class_name="mt-1 [overflow-wrap:anywhere]"),
            class_name="px-3 pb-3 text-sm text-soft",
        ),
        custom_attrs={"data-tool": tool.state},
        class_name="rounded-xl border border-line bg-paper",
    )


def tool_uses(tools: list[ToolUse]) -> rx.Component:
    """What was looked up, folded away."""
    return rx.el.div(rx.foreach(tools, _tool), class_name="grid max-w-md gap-1.5 empty:hidden")


def _source(source: Source) -> rx.Component:
    named = rx.fragment(
        rx.el.span(source.label, ".", class_name="text-faint tabular-nums"),
        rx.el.span(source.title, class_name="underline underline-offset-2"),
        rx.cond(source.host != "", rx.el.span(source.host, class_name="text-faint")),
    )
    row = "flex min-h-11 flex-wrap items-center gap-x-2 py-1 text-sm [overflow-wrap:anywhere]"
    return rx.el.li(
        rx.cond(
            source.href != "",
            _outward(named, href=source.href, class_name=row + " text-ink hover:text-accent"),
            rx.el.span(named, class_name=row),
        )
    )


def source_list(sources: list[Source]) -> rx.Component:
    """Where it is from, to be opened."""
    return rx.el.ol(
        rx.foreach(sources, _source),
        aria_label="Sources",
        class_name="border-t border-line pt-1 empty:hidden",
    )


def _press(name: str, words: str, on_click: Any, **props: Any) -> rx.Component:
    return rx.el.button(
        icon(name, 16),
        rx.el.span(words, class_name="max-sm:sr-only"),
        type="button",
        title=words,
        on_click=on_click,
        class_name=SMALL,
        **props,
    )


def _branches(said: Said, on_branch: Any) -> rx.Component:
    def step(name: str, words: str, to: str) -> rx.Component:
        return rx.el.button(
            icon(name, 16),
            rx.el.span(words, class_name="sr-only"),
            type="button",
            disabled=to == "",
            on_click=on_branch(to),
            class_name=SMALL + "disabled:opacity-40",
        )

    return rx.cond(
        said.place != "",
        rx.el.span(
            step("chevron-left", "The version before", said.before),
            rx.el.span(said.place, class_name="text-sm text-faint tabular-nums"),
            step("chevron-right", "The version after", said.after),
            class_name="inline-flex items-center",
        ),
    )


def own_message(said: Said, on_edit: Any, on_branch: Any, who: str = "You") -> rx.Component:
    """What the visitor said: plain words."""
    return rx.el.div(
        rx.el.p(
            rx.el.span(f"{who}: ", class_name="sr-only"),
            said.text,
            class_name="ml-auto w-fit max-w-[85%] whitespace-pre-wrap rounded-2xl rounded-br-md "
            "bg-accent-soft px-4 py-2.5 [overflow-wrap:anywhere]",
            dir="auto",
        ),
        rx.el.div(
            _branches(said, on_branch),
            _press("pencil", "Edit", on_edit(said.id), custom_attrs={"data-edit": ""}),
            class_name="flex justify-end",
        )
        if on_edit
        else rx.fragment(),
        custom_attrs={"data-said": "you"},
    )


def answer_frame(*content: Any, **props: Any) -> rx.Component:
    """Around what the agent says."""
    return rx.el.div(
        emoji("🤖", "mt-1 text-xl max-sm:hidden"),
        rx.el.div(*content, class_name="grid min-w-0 flex-1 grid-cols-1 gap-3", dir="auto"),
        class_name="flex gap-3",
        **props,
    )


def answer(said: Said, on_again: Any, on_continue: Any, on_branch: Any) -> rx.Component:
    """What the agent said, and all that can be done with it."""
    acts = (
        rx.el.div(
            _press(
                "copy",
                "Copy",
                rx.call_script(call("copy", said.text), callback=Votes.shared),
                custom_attrs={"data-copy": ""},
            ),
            _press("refresh-cw", "Again", on_again(said.id), custom_attrs={"data-again": ""}),
            _branches(said, on_branch),
            rx.el.span(said.cost, class_name="text-sm text-faint tabular-nums"),
            class_name="-ml-2.5 flex flex-wrap items-center",
        )
        if on_again
        else rx.fragment()
    )
    return answer_frame(
        rx.el.span("Agent: ", class_name="sr-only"),
        tool_uses(said.tools),
        rx.el.div(text_parts(said.blocks), class_name="grid grid-cols-1 gap-3 empty:hidden"),
        rx.cond(
            said.trouble != "",
            rx.el.div(
                rx.el.p(said.trouble, class_name="text-sm text-soft"),
                rx.cond(
                    said.goes_on,
                    rx.el.button(
                        "Continue",
                        type="button",
                        on_click=on_continue(said.id),
                        custom_attrs={"data-continue": ""},
                        class_name=design.SECONDARY,
                    ),
                )
                if on_continue
                else rx.fragment(),
                class_name="flex flex-wrap items-center gap-3 rounded-xl bg-tint px-4 py-2",
                custom_attrs={"data-ended": ""},
            ),
        ),
        source_list(said.sources),
        acts,
        custom_attrs={"data-said": "agent"},
    )
