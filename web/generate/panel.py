"""The generate form and its outcome: a factoid being written, finished or refused."""

from typing import Any, cast

import reflex as rx

from web.factoid.votes import list_card
from web.generate.allowance import AllowanceState
from web.generate.form import generate_form, progress, result_card
from web.generate.form_parts import refresh_button
from web.generate.state import GenerateState
from web.generate.vault import vault_button, vault_result
from web.ui import design
from web.ui.parts import icon, link
from web.ui.refusal import RefusalView, refusal_notice


def generate_panel() -> rx.Component:
    """The form, and the outcome below it."""
    return rx.el.section(
        rx.el.h2("Generate a factoid", class_name="sr-only"),
        generate_form(
            busy=GenerateState.busy,
            models=AllowanceState.models,
            quote=AllowanceState.quote,
            credits_left=AllowanceState.credits_left,
            on_model=AllowanceState.choose_model,
            on_submit=GenerateState.start,
            on_early=rx.call_script("factoids.formValues()", callback=GenerateState.explain),
            on_cancel=GenerateState.cancel,
        ),
        outcome(on_dismiss=GenerateState.dismiss),
        refresh_button(AllowanceState.refresh),
        id="maker",
        tab_index=-1,
        class_name="mt-6 outline-none",
    )


def payment_actions() -> rx.Component:
    """A button to use a credit where there is one, else a link to buy some."""
    left = AllowanceState.credits_left
    return rx.cond(
        left > 0,
        rx.el.button(
            icon("ticket", 16),
            rx.el.span("Use a credit (", left, " left)", class_name="tabular-nums"),
            type="button",
            id="use-credit",
            on_click=rx.call_script("factoids.submitWithCredit()"),
            class_name=design.PRIMARY,
        ),
        rx.cond(
            AllowanceState.pack != "",
            link(
                AllowanceState.pack,
                to=GenerateState.buy_href,
                id="buy",
                class_name=design.SECONDARY,
            ),
        ),
    )


def outcome(on_dismiss: Any = None) -> rx.Component:
    """The progress, the result or the refusal; without `on_dismiss` it cannot be closed."""
    vault = vault_button(rx.cond(AllowanceState.credits_left > 0, design.SECONDARY, design.PRIMARY))
    return rx.fragment(
        rx.el.p(GenerateState.spoken, aria_live="polite", class_name="sr-only", id="spoken"),
        rx.cond(
            GenerateState.busy,
            progress(
                GenerateState.stage,
                GenerateState.stage_text,
                GenerateState.topic,
                GenerateState.draft,
            ),
        ),
        rx.cond(
            GenerateState.refusal,
            refusal_notice(
                cast(RefusalView, GenerateState.refusal), on_dismiss, vault, payment_actions()
            ),
        ),
        vault_result(),
        rx.cond(
            GenerateState.result,
            result_card(
                rx.foreach(
                    GenerateState.result, lambda card: rx.el.div(list_card(card=card), key=card.id)
                ),
                on_dismiss,
            ),
        ),
    )
