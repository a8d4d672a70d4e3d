"""The parts of the generate form: the button, the allowance, the quote and the captcha.

Their countdowns run in the browser.
"""

from typing import Any

import reflex as rx

from web.generate.words import QuoteView
from web.ui import design
from web.ui.client_store import live_or, selector, use_store
from web.ui.parts import icon, link

BIG = "min-h-12 !rounded-xl px-6 text-base sm:w-48 "


def _allowance() -> tuple[rx.Var, rx.Var]:
    return use_store("allowance", "allowance"), use_store("clock", "clock")


@rx.memo
def generate_button(on_early: rx.EventHandler) -> rx.Component:
    """The submit button; while no factoid is left, it shows the wait instead."""
    wait = selector("nextIn", *_allowance())
    return rx.cond(
        wait != "",
        rx.el.button(
            icon("hourglass", 16, class_name="text-accent"),
            rx.el.span("Next in ", rx.el.span(wait, class_name="tabular-nums")),
            type="button",
            id="generate",
            custom_attrs={"data-waits": "yes"},
            on_click=on_early,
            class_name=design.SECONDARY + BIG,
        ),
        rx.el.button(
            "Generate factoid", type="submit", id="generate", class_name=design.PRIMARY + BIG
        ),
    )


@rx.memo
def free_allowance() -> rx.Component:
    """The free factoids left in each window, with the wait where none is left."""
    allowance, clock = _allowance()
    left = selector("remaining", allowance, clock)
    return rx.el.p(
        rx.cond(left != "", rx.fragment("Free for you: ", left, ".")),
        id="limits",
        class_name="min-h-11 w-full py-3 text-sm tabular-nums text-faint sm:w-auto",
    )


def credits_left_link(credits_left: int) -> rx.Component:
    """A link with the number of paid factoids left."""
    return rx.cond(
        credits_left > 0,
        link(
            icon("ticket", 15),
            rx.el.span(
                credits_left,
                rx.cond(credits_left == 1, " credit left", " credits left"),
            ),
            to="/account",
            id="credits",
            class_name="inline-flex min-h-11 items-center gap-1.5 text-sm font-medium tabular-nums "
            "text-good hover:underline",
        ),
    )


def refresh_button(on_click: Any) -> rx.Component:
    """A hidden button, which `generate.js` clicks at the end of a countdown."""
    return rx.el.button(type="button", id="refresh-allowance", hidden=True, on_click=on_click)


def quote_list(quote: QuoteView | None) -> rx.Component:
    """The price of the next factoid, its expected duration, and the allowance after it."""

    def part(name: str, label: str, text: Any) -> rx.Component:
        return rx.cond(
            text != "",
            rx.el.div(
                icon(name, 15, class_name="mt-[3px] shrink-0"),
                rx.el.dt(label, class_name="sr-only"),
                rx.el.dd(text),
                class_name="flex gap-1.5",
            ),
        )

    shown: Any = quote
    return rx.el.dl(
        rx.cond(
            quote,
            rx.fragment(
                part("coins", "Price", shown.price),
                part("timer", "Wait", shown.wait),
                part("ticket", "Afterwards", shown.after),
            ),
        ),
        id="quote",
        class_name="flex min-h-6 flex-col gap-x-5 gap-y-1 text-sm tabular-nums text-faint "
        "sm:flex-row sm:flex-wrap",
    )


@rx.memo
def captcha() -> rx.Component:
    """The widget of the captcha's vendor, shown only when the API requires a captcha."""
    entry = use_store("captcha", "captcha")
    enabled, state = live_or(entry, "provider", ""), live_or(entry, "state", "")
    texts = {
        "open": "We were asked a lot from around here. One quick check that you are human, please.",
        "done": "Thank you. Go ahead.",
        "expired": "That took a while: please check the box once more.",
        "failed": "The check did not work. Try it again, or come back later.",
        "missing": "The check that you are human could not be loaded; a blocker may be in the "
        "way. New facts have to wait for it. Reading, voting and searching go on.",
    }
    notice: Any = rx.match(state, *texts.items(), "")
    retry = rx.el.button(
        "Try again",
        type="button",
        on_click=rx.call_script("factoids.retryCaptcha()"),
        class_name=design.SECONDARY,
    )
    return rx.cond(
        enabled != "",
        rx.el.div(
            rx.el.p(notice, role="status", class_name="text-sm text-soft"),
            rx.el.div(id="captcha-box", class_name="empty:hidden"),
            rx.cond((state == "missing") | (state == "failed"), retry),
            rx.el.input(
                type="hidden",
                name="captcha_token",
                value=live_or(entry, "token", ""),
                read_only=True,
            ),
            id="captcha",
            custom_attrs={"data-state": state},
            class_name="rise mt-2 grid justify-items-start gap-3 rounded-2xl border border-line "
            "bg-card p-4",
        ),
    )
