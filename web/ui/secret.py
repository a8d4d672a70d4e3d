"""The styles and the copy button of a secret that is shown once."""

from typing import Any

import reflex as rx

from web.ui import design
from web.ui.client_store import store_call
from web.ui.parts import icon

CODE = (
    "block w-full overflow-x-auto whitespace-pre-wrap break-all rounded-xl bg-tint px-4 py-3 "
    "font-mono text-sm text-ink "
)
FRAME = (
    "rise mt-6 scroll-mt-20 rounded-2xl border border-accent bg-card p-5 shadow-card outline-none "
    "sm:p-7 "
)


def copy_button(label: str, text: Any, on_copied: Any, **props: Any) -> rx.Component:
    return rx.el.button(
        icon("copy", 16),
        label,
        type="button",
        on_click=rx.call_script(store_call("copy", text), callback=on_copied),
        class_name=design.SECONDARY,
        **props,
    )
