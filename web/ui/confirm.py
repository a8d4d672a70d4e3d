"""A button that asks for confirmation before it acts."""

from typing import Any

import reflex as rx

from web.ui import design

DANGER = design.BUTTON + "bg-accent font-semibold text-accent-ink hover:brightness-110 "


def confirmed_button(
    id_: Any, label: str, question: Any, consequence: str, confirm_label: str, on_confirm: Any
) -> rx.Component:
    """A button with a dialog. The popover API opens and closes it and restores the focus."""
    return rx.fragment(
        rx.el.button(
            label,
            type="button",
            custom_attrs={"popoverTarget": id_},
            class_name=design.QUIET + "!text-accent",
        ),
        rx.el.div(
            rx.el.p(question, class_name="serif text-xl font-semibold"),
            rx.el.p(consequence, class_name="mt-2 text-sm text-soft"),
            rx.el.div(
                rx.el.button(
                    "Keep it",
                    type="button",
                    custom_attrs={
                        "popoverTarget": id_,
                        "popoverTargetAction": "hide",
                        # HTML's own attribute acts when the popover opens, React's when it renders.
                        "autofocus": "true",
                    },
                    class_name=design.SECONDARY,
                ),
                rx.el.button(
                    confirm_label,
                    type="button",
                    custom_attrs={"popoverTarget": id_, "popoverTargetAction": "hide"},
                    on_click=on_confirm,
                    class_name=DANGER,
                ),
                class_name="mt-5 flex flex-wrap justify-end gap-2",
            ),
            id=id_,
            role="alertdialog",
            aria_label=question,
            custom_attrs={"popover": "auto"},
            class_name="ask m-auto w-[min(26rem,calc(100vw-2rem))] rounded-2xl border border-line "
            "bg-card p-6 text-ink shadow-card",
        ),
    )
