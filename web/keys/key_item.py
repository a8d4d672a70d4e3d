"""One API key in the list: what it may do, what it was used for, and how it is ended."""

from typing import Any

import reflex as rx

from web.keys.state import KeyRow, Keys
from web.ui import design
from web.ui.client_store import ask, latest, seen
from web.ui.parts import icon

DANGER = design.BUTTON + "bg-accent font-semibold text-accent-ink hover:brightness-110 "


def asked_twice(
    id_: Any, label: str, question: Any, consequence: str, yes: str, on_yes: Any
) -> rx.Component:
    """A button whose deed is asked about; the browser itself opens, closes and gives focus back."""
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
                        # Focused when it is shown; React's own would be when it is drawn.
                        "autofocus": "true",
                    },
                    class_name=design.SECONDARY,
                ),
                rx.el.button(
                    yes,
                    type="button",
                    custom_attrs={"popoverTarget": id_, "popoverTargetAction": "hide"},
                    on_click=on_yes,
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


@rx.memo
def since(at: rx.Var[str], words: rx.Var[str]) -> rx.Component:
    """How long ago, with the exact time at hand."""
    clock = seen("clock", "clock")
    return rx.el.time(ask("age", at, latest(clock, "minute", 0)), date_time=at, title=words)


def _fact(name: str, *words: Any) -> rx.Component:
    return rx.el.div(
        rx.el.dt(name, class_name="text-faint"), rx.el.dd(*words, class_name="text-soft")
    )


def key_item(row: KeyRow) -> rx.Component:
    used = rx.el.div(
        rx.el.div(
            rx.el.span(row.generations),
            rx.el.span(row.spent, class_name="ml-auto"),
            class_name="flex flex-wrap gap-x-4 text-sm tabular-nums text-soft",
        ),
        rx.el.progress(
            value=row.share,
            max="100",
            aria_label="Part of today's budget that is spent",
            class_name="meter mt-2",
        ),
        class_name="mt-4",
    )
    doing = rx.el.div(
        rx.el.button(
            icon("refresh-cw", 16),
            "Rotate",
            type="button",
            title="A new secret; the old one works a while longer",
            on_click=Keys.rotate(row.id),
            class_name=design.QUIET,
        ),
        asked_twice(
            "revoke-" + row.id,
            "Revoke",
            "Revoke “" + row.name + "”?",
            "Whatever uses it stops within seconds. This cannot be undone.",
            "Revoke it",
            Keys.revoke(row.id),
        ),
        class_name="-mb-2 -ml-4 mt-3 flex flex-wrap gap-1",
    )
    return rx.el.li(
        rx.el.div(
            rx.el.h3(row.name, class_name="min-w-0 truncate text-lg font-semibold"),
            rx.cond(
                row.over != "",
                rx.el.span(row.over, class_name="rounded-full bg-tint px-3 py-1 text-xs text-soft"),
            ),
            class_name="flex flex-wrap items-center justify-between gap-2",
        ),
        rx.el.code(row.shown, class_name="mt-1 block font-mono text-sm text-faint"),
        rx.el.dl(
            _fact("May", row.scopes),
            _fact(
                "Last used",
                rx.cond(
                    row.last_used_at == "", "never", since(at=row.last_used_at, words=row.last_used)
                ),
            ),
            _fact("Made", row.created),
            _fact("Expires", row.expires),
            class_name="mt-4 grid grid-cols-2 gap-3 text-sm sm:grid-cols-4",
        ),
        rx.cond(row.over == "", rx.fragment(used, doing)),
        key=row.id,
        custom_attrs={"data-key": row.id, "data-over": rx.cond(row.over == "", "no", "yes")},
        class_name=design.CARD + "p-5 sm:p-7",
    )
