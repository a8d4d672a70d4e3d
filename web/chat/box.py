"""The form of a message: Enter sends it, Shift+Enter starts a new line."""

from typing import Any

import reflex as rx

from web.ui import design
from web.ui.client_store import selector, use_store
from web.ui.forms import idempotency_field
from web.ui.parts import icon

PLACEHOLDER = "Ask, or say hi…"
ROUND_BUTTON = design.BUTTON + "size-11 shrink-0 !px-0 "


@rx.memo
def restored_draft() -> rx.Component:
    """Restores the draft that was in the box when the page was left."""
    return rx.el.span(hidden=True, on_mount=rx.call_script("factoids.restoreDraft()"))


def chat_box(
    *fields: rx.Component, busy: bool, on_submit: Any, on_stop: Any, below: Any = ""
) -> rx.Component:
    """The form. While an answer is written it takes text, which can be sent afterwards."""
    return rx.el.form(
        rx.el.label("Your message", html_for="say", class_name="sr-only"),
        idempotency_field(),
        restored_draft(),
        *fields,
        rx.el.div(
            rx.el.textarea(
                id="say",
                name="text",
                rows=1,
                max_length=4_000,
                placeholder=PLACEHOLDER,
                enter_key_submit=True,
                auto_height=True,
                enter_key_hint="send",
                dir="auto",
                aria_describedby="message-hint",
                class_name="max-h-48 min-h-11 w-full resize-none bg-transparent px-3 py-2.5 "
                "text-base text-ink !outline-none placeholder:text-faint",
            ),
            rx.cond(
                busy,
                rx.el.button(
                    icon("square", 16),
                    rx.el.span("Stop", class_name="sr-only"),
                    type="button",
                    id="stop",
                    title="Stop",
                    on_click=on_stop,
                    class_name=ROUND_BUTTON + "bg-ink text-paper",
                ),
                rx.el.button(
                    icon("arrow-up", 18),
                    rx.el.span("Send", class_name="sr-only"),
                    type="submit",
                    id="send",
                    title="Send",
                    class_name=ROUND_BUTTON + "bg-accent text-accent-ink hover:brightness-110",
                ),
            ),
            class_name="flex items-end gap-2 rounded-3xl border border-line bg-card p-1.5 "
            "shadow-card has-[textarea:focus]:border-accent has-[textarea:focus]:outline-2 "
            "outline-accent",
        ),
        rx.el.p(
            rx.el.span(
                "Enter sends, Shift and Enter break the line.",
                id="message-hint",
                class_name="sr-only",
            ),
            below,
            class_name="mt-1.5 flex min-h-5 flex-wrap justify-between gap-x-4 px-3 text-xs "
            "text-faint tabular-nums",
        ),
        on_submit=on_submit,
        reset_on_submit=False,
        id="say-form",
    )


@rx.memo
def scroll_button() -> rx.Component:
    """A button that is shown while the reader has scrolled up."""
    scrolled_up = selector("isScrolledUp", use_store("chat", "chat"))
    return rx.cond(
        scrolled_up != "",
        rx.el.button(
            icon("arrow-down", 16),
            "Jump to latest",
            type="button",
            id="latest",
            on_click=rx.call_script("factoids.scrollToLatest()"),
            class_name=design.BUTTON + "absolute -top-12 left-1/2 -translate-x-1/2 bg-ink text-sm "
            "text-paper shadow-card",
        ),
    )
