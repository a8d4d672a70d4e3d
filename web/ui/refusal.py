"""The notice of a refused request: the reason, the wait and the alternatives."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from web.ui.client_store import selector, use_store
from web.ui.parts import close_button


@dataclass
class RefusalView:
    """A refused request as the page shows it."""

    code: str
    title: str
    detail: str
    hint: str
    request_id: str
    offer_vault: bool = False
    """Whether a stored factoid is offered instead."""
    offer_payment: bool = False
    """Whether paying helps."""


@rx.memo
def countdown() -> rx.Component:
    """The remaining wait to the second, and a message once it has ended."""
    left = selector("left", use_store("clock", "clock"))
    ended = rx.cond(
        rx.Var("(clock?.until ?? 0) > 0", _var_data=left._get_all_var_data()).bool(),
        rx.el.span("You can go again now.", class_name="text-good"),
    )
    return rx.el.p(
        rx.cond(
            left != "",
            rx.fragment("Next one in ", rx.el.strong(left, class_name="tabular-nums")),
            ended,
        ),
        id="countdown",
        role="timer",
        class_name="mt-3 text-lg",
    )


def refusal_notice(
    refusal: RefusalView, on_dismiss: Any, vault: rx.Component, payment: rx.Component
) -> rx.Component:
    """The reason, the wait, and the alternatives: a stored factoid or paying."""
    return rx.el.div(
        rx.el.div(
            rx.el.div(
                rx.el.p(refusal.title, class_name="serif text-xl font-semibold"),
                rx.cond(refusal.detail != "", rx.el.p(refusal.detail, class_name="mt-1 text-soft")),
                role="alert",
                class_name="min-w-0 pt-2",
            ),
            close_button(on_dismiss),
            class_name="flex items-start gap-2",
        ),
        countdown(),
        rx.el.p(refusal.hint, class_name="mt-3 text-sm text-soft"),
        rx.el.div(
            rx.cond(refusal.offer_vault, vault),
            rx.cond(refusal.offer_payment, payment),
            class_name="mt-4 flex flex-wrap gap-2 empty:hidden",
        ),
        rx.cond(
            refusal.request_id != "",
            rx.el.p(
                "If you write to us about it: ",
                rx.el.code(refusal.request_id),
                class_name="mt-3 text-xs text-faint",
            ),
        ),
        id="problem",
        custom_attrs={"data-code": refusal.code},
        class_name="rise mt-3 rounded-2xl border border-line bg-card p-5 shadow-card sm:p-7",
    )
