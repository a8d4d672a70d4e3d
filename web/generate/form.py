"""The generate form and its three outcomes: being written, ready, refused."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from web.generate.form_parts import (
    BIG,
    Quote,
    captcha,
    credits_in_hand,
    generate_button,
    press_name,
    quoted,
    what_is_left,
)
from web.ui import design
from web.ui.client_store import ask, seen
from web.ui.parts import emoji, icon


@dataclass
class Trouble:
    """Why there is no factoid, in words, and what to do next."""

    code: str
    title: str
    detail: str
    hint: str
    request_id: str
    offer: bool = False
    """Whether a stored factoid is offered instead."""
    pay: bool = False
    """Whether it helps to pay."""


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
    quote: Quote | None,
    credits_left: int,
    on_model: Any,
    on_submit: Any,
    on_early: Any,
    on_cancel: Any,
) -> rx.Component:
    """The form; `on_early` is for who presses while there is none left."""
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
        press_name(),
        rx.el.input(type="hidden", name="pay_with", default_value=""),
        captcha(),
        rx.el.div(
            _model(models, on_model),
            rx.el.div(
                what_is_left(),
                credits_in_hand(credits_left),
                class_name="flex flex-wrap items-center gap-x-4",
            ),
            class_name="mt-1 flex flex-wrap items-start justify-between gap-x-6",
        ),
        quoted(quote),
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
    now = (stage == name) if name != "running" else (stage == "running") | (stage == "retrying")
    return rx.el.li(
        label,
        aria_current=rx.cond(now, "step", "false"),
        class_name=rx.cond(
            now,
            "rounded-full bg-accent-soft px-3 py-1 font-semibold text-accent",
            "px-1 py-1 text-faint",
        ),
    )


@rx.memo
def elapsed() -> rx.Component:
    """How long it has been going, counted by the browser."""
    return rx.el.span(
        ask("running", seen("clock", "clock")), class_name="tabular-nums", aria_hidden="true"
    )


def progress(stage: str, words: str, topic: str, draft: str) -> rx.Component:
    """What is happening, and the text as it is written."""
    return rx.el.div(
        rx.el.div(
            rx.el.ol(
                *[_stage(stage, *known) for known in STAGES],
                class_name="flex flex-wrap items-center gap-1 text-xs",
            ),
            rx.el.span(elapsed(), class_name="ml-auto text-sm text-faint"),
            class_name="flex items-center gap-2",
        ),
        rx.el.p(
            words,
            id="stage",
            role="status",
            # What is being written speaks for itself.
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


def _close(on_click: Any) -> rx.Component:
    if on_click is None:
        return rx.fragment()
    return rx.el.button(
        icon("x", 18),
        rx.el.span("Put it away", class_name="sr-only"),
        type="button",
        on_click=on_click,
        class_name=design.QUIET + "-mr-3 ml-auto w-11 shrink-0 !px-0",
    )


def ready(
    card: rx.Component,
    on_dismiss: Any,
    *,
    face: str = "🎉",
    title: str = "Factoid ready!",
    id: str = "result",
) -> rx.Component:
    """A factoid that was asked for, with all that can be done with one. Without `on_dismiss` it
    stays.
    """
    return rx.el.div(
        rx.el.div(
            emoji(face, "text-lg"),
            rx.el.p(title, role="status", class_name="font-semibold text-good"),
            _close(on_dismiss),
            class_name="flex items-center gap-2 pl-1",
        ),
        card,
        id=id,
        class_name="rise mt-3",
    )


@rx.memo
def countdown() -> rx.Component:
    """Until when to wait, to the second; then that the waiting is over."""
    left = ask("left", seen("clock", "clock"))
    over = rx.cond(
        rx.Var("(clock?.until ?? 0) > 0", _var_data=left._get_all_var_data()).bool(),
        rx.el.span("You can go again now.", class_name="text-good"),
    )
    return rx.el.p(
        rx.cond(
            left != "",
            rx.fragment("Next one in ", rx.el.strong(left, class_name="tabular-nums")),
            over,
        ),
        id="countdown",
        role="timer",
        class_name="mt-3 text-lg",
    )


def refusal(
    trouble: Trouble, on_dismiss: Any, vault: rx.Component, paying: rx.Component
) -> rx.Component:
    """Why not, since when it helps until when, and what still works: a stored one, then paying."""
    return rx.el.div(
        rx.el.div(
            rx.el.div(
                rx.el.p(trouble.title, class_name="serif text-xl font-semibold"),
                rx.cond(trouble.detail != "", rx.el.p(trouble.detail, class_name="mt-1 text-soft")),
                role="alert",
                class_name="min-w-0 pt-2",
            ),
            _close(on_dismiss),
            class_name="flex items-start gap-2",
        ),
        countdown(),
        rx.el.p(trouble.hint, class_name="mt-3 text-sm text-soft"),
        rx.el.div(
            rx.cond(trouble.offer, vault),
            rx.cond(trouble.pay, paying),
            class_name="mt-4 flex flex-wrap gap-2 empty:hidden",
        ),
        rx.cond(
            trouble.request_id != "",
            rx.el.p(
                "If you write to us about it: ",
                rx.el.code(trouble.request_id),
                class_name="mt-3 text-xs text-faint",
            ),
        ),
        id="problem",
        custom_attrs={"data-code": trouble.code},
        class_name="rise mt-3 rounded-2xl border border-line bg-card p-5 shadow-card sm:p-7",
    )
