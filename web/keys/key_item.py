"""An API key in the list: what it may do, how much it was used, rotating and revoking it."""

from typing import Any

import reflex as rx

from web.keys.state import KeyView
from web.ui import design
from web.ui.confirm import confirmed_button
from web.ui.parts import icon, time_ago


def _detail(name: str, *content: Any) -> rx.Component:
    return rx.el.div(
        rx.el.dt(name, class_name="text-faint"), rx.el.dd(*content, class_name="text-soft")
    )


def key_item(row: KeyView, on_rotate: Any, on_revoke: Any) -> rx.Component:
    usage = rx.el.div(
        rx.el.div(
            rx.el.span(row.generations),
            rx.el.span(row.spent, class_name="ml-auto"),
            class_name="flex flex-wrap gap-x-4 text-sm tabular-nums text-soft",
        ),
        rx.el.progress(
            value=row.budget_percent,
            max="100",
            aria_label="Part of today's budget that is spent",
            class_name="meter mt-2",
        ),
        class_name="mt-4",
    )
    actions = rx.el.div(
        rx.el.button(
            icon("refresh-cw", 16),
            "Rotate",
            type="button",
            title="A new secret; the old one works a while longer",
            on_click=on_rotate(row.id),
            class_name=design.QUIET,
        ),
        confirmed_button(
            "revoke-" + row.id,
            "Revoke",
            "Revoke “" + row.name + "”?",
            "Whatever uses it stops within seconds. This cannot be undone.",
            "Revoke it",
            on_revoke(row.id),
        ),
        class_name="-mb-2 -ml-4 mt-3 flex flex-wrap gap-1",
    )
    return rx.el.li(
        rx.el.div(
            rx.el.h3(row.name, class_name="min-w-0 truncate text-lg font-semibold"),
            rx.cond(
                row.expired_reason != "",
                rx.el.span(
                    row.expired_reason,
                    class_name="rounded-full bg-tint px-3 py-1 text-xs text-soft",
                ),
            ),
            class_name="flex flex-wrap items-center justify-between gap-2",
        ),
        rx.el.code(row.masked, class_name="mt-1 block font-mono text-sm text-faint"),
        rx.el.dl(
            _detail("May", row.scopes),
            _detail(
                "Last used",
                rx.cond(
                    row.last_used_at == "",
                    "never",
                    time_ago(at=row.last_used_at, words=row.last_used),
                ),
            ),
            _detail("Made", row.created),
            _detail("Expires", row.expires),
            class_name="mt-4 grid grid-cols-2 gap-3 text-sm sm:grid-cols-4",
        ),
        rx.cond(row.expired_reason == "", rx.fragment(usage, actions)),
        key=row.id,
        custom_attrs={
            "data-key": row.id,
            "data-over": rx.cond(row.expired_reason == "", "no", "yes"),
        },
        class_name=design.CARD + "p-5 sm:p-7",
    )
