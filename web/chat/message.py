"""A message of a chat: its text, the tools used for it, its sources and its actions."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from web.chat.markdown_elements import SMALL_BUTTON, text_parts
from web.chat.words import MessageView, SourceView, ToolView
from web.ui import design
from web.ui.client_store import store_call
from web.ui.parts import emoji, icon, new_tab_link


@dataclass(frozen=True)
class AnswerEvents:
    """The handlers of an answer's actions."""

    regenerate: Any
    continue_answer: Any
    show_branch: Any
    copied: Any


def _tool(tool: ToolView) -> rx.Component:
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
            rx.el.p(tool.arguments, class_name="font-mono [overflow-wrap:anywhere]"),
            rx.el.p(tool.summary, class_name="mt-1 [overflow-wrap:anywhere]"),
            class_name="px-3 pb-3 text-sm text-soft",
        ),
        custom_attrs={"data-tool": tool.state},
        class_name="rounded-xl border border-line bg-paper",
    )


def tool_uses(tools: list[ToolView]) -> rx.Component:
    """The tools that were used, collapsed."""
    return rx.el.div(rx.foreach(tools, _tool), class_name="grid max-w-md gap-1.5 empty:hidden")


def _source(source: SourceView) -> rx.Component:
    content = rx.fragment(
        rx.el.span(source.label, ".", class_name="text-faint tabular-nums"),
        rx.el.span(source.title, class_name="underline underline-offset-2"),
        rx.cond(source.host != "", rx.el.span(source.host, class_name="text-faint")),
    )
    row = "flex min-h-11 flex-wrap items-center gap-x-2 py-1 text-sm [overflow-wrap:anywhere]"
    return rx.el.li(
        rx.cond(
            source.href != "",
            new_tab_link(content, href=source.href, class_name=row + " text-ink hover:text-accent"),
            rx.el.span(content, class_name=row),
        )
    )


def source_list(sources: list[SourceView]) -> rx.Component:
    """The sources, as links."""
    return rx.el.ol(
        rx.foreach(sources, _source),
        aria_label="Sources",
        class_name="border-t border-line pt-1 empty:hidden",
    )


def _action(name: str, label: str, on_click: Any, **props: Any) -> rx.Component:
    return rx.el.button(
        icon(name, 16),
        rx.el.span(label, class_name="max-sm:sr-only"),
        type="button",
        title=label,
        on_click=on_click,
        class_name=SMALL_BUTTON,
        **props,
    )


def _branches(message: MessageView, on_branch: Any) -> rx.Component:
    def step(name: str, label: str, to: str) -> rx.Component:
        return rx.el.button(
            icon(name, 16),
            rx.el.span(label, class_name="sr-only"),
            type="button",
            disabled=to == "",
            on_click=on_branch(to),
            class_name=SMALL_BUTTON + "disabled:opacity-40",
        )

    return rx.cond(
        message.branch != "",
        rx.el.span(
            step("chevron-left", "The version before", message.previous_branch),
            rx.el.span(message.branch, class_name="text-sm text-faint tabular-nums"),
            step("chevron-right", "The version after", message.next_branch),
            class_name="inline-flex items-center",
        ),
    )


def own_message(
    message: MessageView, on_edit: Any, on_branch: Any, who: str = "You"
) -> rx.Component:
    """A message of the visitor, as plain text; without `on_edit` it is read-only."""
    return rx.el.div(
        rx.el.p(
            # With a direction of its own, so that `dir=auto` is decided by the message alone.
            rx.el.span(f"{who}: ", class_name="sr-only", dir="ltr"),
            message.text,
            class_name="ml-auto w-fit max-w-[85%] whitespace-pre-wrap rounded-2xl rounded-br-md "
            "bg-accent-soft px-4 py-2.5 [overflow-wrap:anywhere]",
            dir="auto",
        ),
        rx.el.div(
            _branches(message, on_branch),
            _action("pencil", "Edit", on_edit(message.id), custom_attrs={"data-edit": ""}),
            class_name="flex justify-end",
        )
        if on_edit
        else rx.fragment(),
        custom_attrs={"data-said": "you"},
    )


def answer_frame(*content: Any, **props: Any) -> rx.Component:
    """The frame of an answer."""
    return rx.el.div(
        emoji("🤖", "mt-1 text-xl max-sm:hidden"),
        rx.el.div(*content, class_name="grid min-w-0 flex-1 grid-cols-1 gap-3"),
        class_name="flex gap-3",
        **props,
    )


def answer(message: MessageView, events: AnswerEvents | None = None) -> rx.Component:
    """An answer of the agent; without `events` it is read-only."""
    actions = (
        rx.el.div(
            _action(
                "copy",
                "Copy",
                rx.call_script(store_call("copy", message.text), callback=events.copied),
                custom_attrs={"data-copy": ""},
            ),
            _action(
                "refresh-cw",
                "Again",
                events.regenerate(message.id),
                custom_attrs={"data-again": ""},
            ),
            _branches(message, events.show_branch),
            rx.el.span(message.cost, class_name="px-2.5 text-sm text-faint tabular-nums"),
            class_name="-ml-2.5 flex flex-wrap items-center",
        )
        if events
        else rx.fragment()
    )
    return answer_frame(
        rx.el.span("Agent: ", class_name="sr-only"),
        tool_uses(message.tools),
        rx.el.div(text_parts(message.blocks), class_name="grid grid-cols-1 gap-3 empty:hidden"),
        rx.cond(
            message.ended_early != "",
            rx.el.div(
                rx.el.p(message.ended_early, class_name="text-sm text-soft"),
                rx.cond(
                    message.can_continue,
                    rx.el.button(
                        rx.cond(message.text != "", "Continue", "Try again"),
                        type="button",
                        on_click=events.continue_answer(message.id),
                        custom_attrs={"data-continue": ""},
                        class_name=design.SECONDARY,
                    ),
                )
                if events
                else rx.fragment(),
                class_name="flex flex-wrap items-center gap-3 rounded-xl bg-tint px-4 py-2",
                custom_attrs={"data-ended": ""},
            ),
        ),
        source_list(message.sources),
        actions,
        custom_attrs={"data-said": "agent"},
    )
