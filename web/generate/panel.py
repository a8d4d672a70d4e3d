"""Where a factoid is asked for, appears while it is written, and is shown or refused."""

from typing import Any, cast

import reflex as rx

from web.factoid.votes import list_card
from web.generate.allowance import Allowance
from web.generate.form import Trouble, generate_form, progress, ready, refusal
from web.generate.form_parts import look_again
from web.generate.state import Generate
from web.generate.vault import from_the_vault, vault_button
from web.ui import design
from web.ui.parts import icon, link


def generate_panel() -> rx.Component:
    """The form, and below it what is being written, what was, or why not."""
    return rx.el.section(
        rx.el.h2("Generate a factoid", class_name="sr-only"),
        generate_form(
            busy=Generate.busy,
            models=Allowance.models,
            quote=Allowance.quote,
            credits_left=Allowance.credits_left,
            on_model=Allowance.choose,
            on_submit=Generate.start,
            on_early=rx.call_script("factoids.wished()", callback=Generate.explain),
            on_cancel=Generate.cancel,
        ),
        outcome(on_dismiss=Generate.dismiss),
        look_again(Allowance.look),
        id="maker",
        tab_index=-1,
        class_name="mt-6 outline-none",
    )


def paying() -> rx.Component:
    """A credit, if there is one; else the way to some."""
    left = Allowance.credits_left
    return rx.cond(
        left > 0,
        rx.el.button(
            icon("ticket", 16),
            rx.el.span("Use a credit (", left, " left)", class_name="tabular-nums"),
            type="button",
            id="use-credit",
            on_click=rx.call_script("factoids.askWithCredit()"),
            class_name=design.PRIMARY,
        ),
        rx.cond(
            Allowance.pack != "",
            link(Allowance.pack, to=Generate.buy_href, id="buy", class_name=design.SECONDARY),
        ),
    )


def outcome(on_dismiss: Any = None) -> rx.Component:
    """What is being written, what was, or why not; without `on_dismiss` it cannot be put away."""
    vault = vault_button(rx.cond(Allowance.credits_left > 0, design.SECONDARY, design.PRIMARY))
    return rx.fragment(
        rx.el.p(Generate.spoken, aria_live="polite", class_name="sr-only", id="spoken"),
        rx.cond(
            Generate.busy,
            progress(Generate.stage, Generate.stage_words, Generate.topic, Generate.draft),
        ),
        rx.cond(
            Generate.trouble,
            refusal(cast("Trouble", Generate.trouble), on_dismiss, vault, paying()),
        ),
        from_the_vault(),
        rx.cond(
            Generate.result,
            ready(
                rx.foreach(
                    Generate.result, lambda card: rx.el.div(list_card(card=card), key=card.id)
                ),
                on_dismiss,
            ),
        ),
    )
