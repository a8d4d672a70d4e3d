"""One message of a chat: its words, what was looked up for it, and what may be done with it."""

from typing import Any

import reflex as rx

from web.chat.answer_text import SMALL, outward, text_parts
from web.chat.words import Said, Source, ToolUse
from web.factoid.votes import Votes
from web.ui import design
from web.ui.client_store import call
from web.ui.parts import emoji, icon


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
            outward(named, href=source.href, class_name=row + " text-ink hover:text-accent"),
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
            # Has a direction of its own, so that what was said is asked for the other one.
            rx.el.span(f"{who}: ", class_name="sr-only", dir="ltr"),
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
        rx.el.div(*content, class_name="grid min-w-0 flex-1 grid-cols-1 gap-3"),
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
            rx.el.span(said.cost, class_name="px-2.5 text-sm text-faint tabular-nums"),
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
                        rx.cond(said.text != "", "Continue", "Try again"),
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
