"""A secret that is shown once, in the browser alone, with buttons to copy it and to forget it."""

from typing import Any

import reflex as rx

from web.factoid.votes import Votes
from web.ui import design
from web.ui.client_store import call, latest, seen
from web.ui.parts import emoji, icon

CODE = (
    "block w-full overflow-x-auto whitespace-pre-wrap break-all rounded-xl bg-tint px-4 py-3 "
    "font-mono text-sm text-ink "
)
FRAME = (
    "rise mt-6 scroll-mt-20 rounded-2xl border border-accent bg-card p-5 shadow-card outline-none "
    "sm:p-7 "
)


def copy_button(label: str, text: Any, **props: Any) -> rx.Component:
    return rx.el.button(
        icon("copy", 16),
        label,
        type="button",
        on_click=rx.call_script(call("copy", text), callback=Votes.shared),
        class_name=design.SECONDARY,
        **props,
    )


@rx.memo
def recovery_link(title: rx.Var[str], words: rx.Var[str], done: rx.Var[str]) -> rx.Component:
    """A link that makes another browser this visitor; `done` is where one goes on to, if at all."""
    made = seen("recovery-link", "made")
    link, until = latest(made, "link", ""), latest(made, "until", "")
    return rx.cond(
        link != "",
        rx.el.section(
            rx.el.h2(emoji("🗝️", "mr-2"), title, class_name=design.H2),
            rx.el.p(words, role="status", class_name="mt-2 font-medium text-accent"),
            rx.el.code(link, id="recovery-address", class_name=CODE + "mt-4"),
            rx.cond(
                until != "",
                rx.el.p("It opens until ", until, ".", class_name="mt-2 text-sm text-soft"),
            ),
            rx.el.div(
                copy_button("Copy link", link, id="copy-link"),
                rx.el.button(
                    "I have it",
                    type="button",
                    id="forget-link",
                    on_click=rx.call_script(call("forgetLink", done)),
                    class_name=design.QUIET,
                ),
                class_name="mt-4 flex flex-wrap gap-2",
            ),
            id="recovery-link",
            tab_index=-1,
            class_name=FRAME,
        ),
    )
