"""The generate form, the progress of a generation, and its result."""

from typing import Any

import reflex as rx

from web.generate.form_parts import (
    BIG,
    captcha,
    credits_left_link,
    free_allowance,
    generate_button,
    quote_list,
)
from web.generate.words import QuoteView
from web.ui import design
from web.ui.client_store import selector, use_store
from web.ui.forms import idempotency_field
from web.ui.parts import close_button, emoji, icon


def _topic() -> rx.Component:
    return rx.el.div(
        rx.el.label("Topic (optional)", html_for="topic", class_name="sr-only"),
        icon(
            "sparkles",
            class_name="pointer-events-none absolute left-4 top-1/2 -translate-y-1/2 text-accent",
        ),
        rx.el.input(
            id="topic",
            name="topic",
            placeholder="Space exploration, ancient history, surprising biology...",
            auto_complete="off",
            enter_key_hint="go",
            class_name=design.FIELD + "truncate pl-11 pr-4",
        ),
        class_name="relative min-w-0 flex-1",
    )


def _model(models: list[tuple[str, str]], on_change: Any) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            "Show options",
            icon("chevron-down", 16),
            class_name=design.QUIET + "-ml-4",
            id="options",
        ),
        rx.el.div(
            rx.el.label("Model (optional)", html_for="model", class_name="text-sm font-medium"),
            rx.el.div(
                rx.el.select(
                    rx.el.option("Automatic selection", value=""),
                    rx.foreach(models, lambda model: rx.el.option(model[1], value=model[0])),
                    id="model",
                    name="model",
                    on_change=on_change,
                    class_name=design.FIELD + "cursor-pointer truncate pl-4 pr-10",
                ),
                icon(
                    "chevrons-up-down",
                    16,
                    class_name="pointer-events-none absolute right-4 top-4 text-faint",
                ),
                class_name="relative mt-1.5",
            ),
            class_name="rise max-w-md pb-2",
        ),
    )


def generate_form(
    *,
    busy: bool,
    models: list[tuple[str, str]],
    quote: QuoteView | None,
    credits_left: int,
    on_model: Any,
    on_submit: Any,
    on_early: Any,
    on_cancel: Any,
) -> rx.Component:
    """The form; `on_early` handles a press while no factoid is left."""
    return rx.el.form(
        rx.el.div(
            _topic(),
            rx.cond(
                busy,
                rx.el.button(
                    icon("square", 14),
                    "Cancel",
                    type="button",
                    id="cancel",
                    on_click=on_cancel,
                    class_name=design.SECONDARY + BIG,
                ),
                generate_button(on_early=on_early),
            ),
            class_name="flex flex-col gap-2.5 sm:flex-row",
        ),
        idempotency_field(),
        rx.el.input(type="hidden", name="pay_with", default_value=""),
        captcha(),
        rx.el.div(
            _model(models, on_model),
            rx.el.div(
                free_allowance(),
                credits_left_link(credits_left),
                class_name="flex flex-wrap items-center gap-x-4",
            ),
            class_name="mt-1 flex flex-wrap items-start justify-between gap-x-6",
        ),
        quote_list(quote),
        rx.el.p(
            emoji("🎭", "mr-2"),
            "A stand-in model is answering: true facts from a written list, nothing charged.",
            id="standin",
            class_name="mt-3 rounded-xl bg-tint px-4 py-2.5 text-sm text-soft",
        ),
        on_submit=on_submit,
        reset_on_submit=False,
        id="generate-form",
    )


STAGES = (
    ("queued", "In line"),
    ("running", "Thinking"),
    ("writing", "Writing"),
    ("checking", "Checking"),
)


def _stage(stage: str, name: str, label: str) -> rx.Component:
    current = (stage == name) if name != "running" else (stage == "running") | (stage == "retrying")
    return rx.el.li(
        label,
        aria_current=rx.cond(current, "step", "false"),
        class_name=rx.cond(
            current,
            "rounded-full bg-accent-soft px-3 py-1 font-semibold text-accent",
            "px-1 py-1 text-faint",
        ),
    )


@rx.memo
def elapsed() -> rx.Component:
    """The time since the start, counted by the browser."""
    return rx.el.span(
        selector("elapsed", use_store("clock", "clock")),
        class_name="tabular-nums",
        aria_hidden="true",
    )


def progress(stage: str, stage_text: str, topic: str, draft: str) -> rx.Component:
    """The stage of a generation, and its draft."""
    return rx.el.div(
        rx.el.div(
            rx.el.ol(
                *[_stage(stage, name, label) for name, label in STAGES],
                class_name="flex flex-wrap items-center gap-1 text-xs",
            ),
            rx.el.span(elapsed(), class_name="ml-auto text-sm text-faint"),
            class_name="flex items-center gap-2",
        ),
        rx.el.p(
            stage_text,
            id="stage",
            role="status",
            # While the draft is visible, the stage is for screen readers only.
            class_name=rx.cond(stage == "writing", "sr-only", "mt-4 text-sm text-soft"),
            custom_attrs={"data-stage": stage},
        ),
        rx.el.p(
            draft,
            id="draft",
            class_name=rx.cond(draft != "", design.FACT + "caret mt-4", "hidden"),
        ),
        rx.cond(
            draft == "",
            rx.el.div(
                rx.el.div(class_name="skeleton h-6 w-11/12"),
                rx.el.div(class_name="skeleton h-6 w-2/3"),
                class_name="mt-3 grid gap-3",
                aria_hidden="true",
            ),
        ),
        rx.cond(
            topic != "", rx.el.p("About: ", topic, class_name="mt-4 truncate text-sm text-faint")
        ),
        id="progress",
        class_name="rise mt-3 min-h-48 rounded-2xl border border-dashed border-accent bg-card "
        "p-5 sm:p-7",
    )


def result_card(
    card: rx.Component,
    on_dismiss: Any,
    *,
    character: str = "🎉",
    title: str = "Factoid ready!",
    id: str = "result",
) -> rx.Component:
    """A finished factoid with all its actions; without `on_dismiss` it cannot be closed."""
    return rx.el.div(
        rx.el.div(
            emoji(character, "text-lg"),
            rx.el.p(title, role="status", class_name="font-semibold text-good"),
            close_button(on_dismiss),
            class_name="flex items-center gap-2 pl-1",
        ),
        card,
        id=id,
        class_name="rise mt-3",
    )
