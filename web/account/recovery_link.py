"""A recovery link, shown once and kept only in the browser."""

import reflex as rx

from web.ui import design
from web.ui.client_store import live_or, store_call, use_store
from web.ui.parts import emoji
from web.ui.secret import CODE, FRAME, copy_button
from web.ui.sharing import SharingState


@rx.memo
def recovery_link(title: rx.Var[str], words: rx.Var[str], done: rx.Var[str]) -> rx.Component:
    """A link that makes another browser this visitor. `done` is the address to go to afterwards."""
    new_link = use_store("recovery-link", "newLink")
    link, until = live_or(new_link, "link", ""), live_or(new_link, "until", "")
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
                copy_button("Copy link", link, SharingState.report_outcome, id="copy-link"),
                rx.el.button(
                    "I have it",
                    type="button",
                    id="forget-link",
                    on_click=rx.call_script(store_call("forgetRecoveryLink", done)),
                    class_name=design.QUIET,
                ),
                class_name="mt-4 flex flex-wrap gap-2",
            ),
            id="recovery-link",
            tab_index=-1,
            class_name=FRAME,
        ),
    )
