"""The feedback form, shown inside the card right after a vote and easily closed."""

from typing import Any

import reflex as rx

from api.schemas.factoids import FeedbackTag
from web.ui import design
from web.ui.client_store import store_call
from web.ui.parts import icon

TAGS: dict[FeedbackTag, str] = {
    "love-it": "Love it",
    "wrong": "Not true",
    "boring": "Boring",
    "duplicate": "Seen it before",
    "confusing": "Confusing",
    "offensive": "Offensive",
}
"""The API's feedback tags, with their labels."""


def feedback_form(factoid_id: str, on_submit: Any) -> rx.Component:
    """A form that reports `factoid_id`, `comment` and one `tag-…` for each ticked tag."""
    field_id = "comment-" + factoid_id
    return rx.el.form(
        rx.el.input(type="hidden", name="factoid_id", value=factoid_id, read_only=True),
        rx.el.fieldset(
            rx.el.legend("Thanks! Care to say why?", class_name="mb-3 text-sm font-semibold"),
            rx.el.div(
                *[
                    rx.el.label(
                        rx.el.input(type="checkbox", name=f"tag-{tag}", class_name="sr-only"),
                        label,
                        class_name=design.CHIP,
                    )
                    for tag, label in TAGS.items()
                ],
                class_name="flex flex-wrap gap-2",
            ),
        ),
        rx.el.label("Optional feedback", html_for=field_id, class_name="sr-only"),
        rx.el.textarea(
            id=field_id,
            name="comment",
            rows="2",
            placeholder="Optional feedback...",
            class_name=design.FIELD + "mt-3 px-4 py-3",
        ),
        rx.el.div(
            rx.el.button("Submit feedback", type="submit", class_name=design.PRIMARY),
            rx.el.button(
                icon("x", 16),
                "No thanks",
                type="button",
                on_click=rx.call_script(
                    store_call("toggle", factoid_id, "ask", rx.Var.create(True))
                ),
                class_name=design.QUIET,
            ),
            class_name="mt-3 flex flex-wrap gap-2",
        ),
        on_submit=on_submit,
        class_name="rise mt-4 border-t border-line pt-5",
        custom_attrs={"data-feedback": ""},
    )
