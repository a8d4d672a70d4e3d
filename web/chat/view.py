"""A talk and the box below it, as the chat's own page and the panel beside a factoid show them."""

from typing import Any, cast

import reflex as rx

from web.chat.answer_text import words_so_far
from web.chat.box import chat_box, to_latest
from web.chat.form import Prospect
from web.chat.message import (
    answer,
    answer_frame,
    own_message,
    source_list,
    tool_uses,
)
from web.chat.state import Talk
from web.chat.words import Said
from web.generate.form import Trouble, refusal
from web.generate.vault import from_the_vault, vault_button
from web.ui import design
from web.ui.client_store import call
from web.ui.parts import link, value_of


@rx.memo
def said_item(said: rx.Var[Said]) -> rx.Component:
    """A message; drawn once, whatever is written below it."""
    one = value_of(said)
    return rx.el.li(
        rx.cond(
            one.mine,
            own_message(one, Talk.edit, Talk.show_branch),
            answer(one, Talk.regenerate, Talk.go_on, Talk.show_branch),
        )
    )


def _being_written() -> rx.Component:
    return rx.el.li(
        answer_frame(
            tool_uses(Talk.tools),
            words_so_far(),
            source_list(Talk.sources),
            rx.el.p(Talk.stage, id="stage", class_name="text-sm text-faint"),
            custom_attrs={"data-said": "writing"},
        ),
        aria_busy="true",
    )


def nothing_said() -> Any:
    return (Talk.said.length() == 0) & ~Talk.busy  # pyright: ignore


def messages() -> rx.Component:
    """All that was said, and what is being written."""
    return rx.el.ol(
        rx.foreach(Talk.said, lambda one: said_item(said=one, key=one.id)),
        rx.cond(Talk.busy, _being_written()),
        id="talk",
        aria_label="What was said",
        class_name="grid grid-cols-1 gap-7 py-6",
        on_mount=rx.call_script("factoids.follow()"),
    )


def suggestions(words: Any) -> rx.Component:
    """What one might ask; a press puts it into the box."""

    def one(text: Any) -> rx.Component:
        return rx.el.button(
            text,
            type="button",
            on_click=rx.call_script(call("suggest", text)),
            custom_attrs={"data-suggestion": ""},
            class_name=design.SECONDARY + "max-w-full !py-2 text-left",
        )

    return rx.el.div(
        rx.foreach(words, one),
        aria_label="To start with",
        role="group",
        class_name="flex flex-wrap gap-2",
    )


def refused(trouble: Any, pack: Any, buy_href: Any, on_dismiss: Any) -> rx.Component:
    """Why there is no answer: until when to wait, a stored fact meanwhile, and what more costs."""
    buy = rx.cond(pack != "", link(pack, to=buy_href, id="buy", class_name=design.SECONDARY))
    return rx.fragment(
        rx.cond(trouble, refusal(cast("Trouble", trouble), on_dismiss, vault_button(), buy)),
        from_the_vault(),
    )


def prospects(prospect: Prospect, meter: Any = "") -> rx.Component:
    """What the next message costs, how many are left, and what the chat has used so far."""
    return rx.fragment(
        rx.el.span(prospect.price, id="price"),
        rx.el.span(prospect.left, id="left"),
        rx.cond(meter != "", rx.el.span(meter, id="meter")),
    )


def composer(on_ask: Any, on_look: Any, class_name: str) -> rx.Component:
    """The box, and what stands around it."""
    below = prospects(Talk.prospect, Talk.meter)
    return rx.el.div(
        to_latest(),
        rx.cond(
            Talk.editing != "",
            rx.el.p(
                "You change what you said; the answer before is kept beside it. ",
                rx.el.button(
                    "Leave it",
                    type="button",
                    on_click=Talk.edit(""),
                    class_name="min-h-11 cursor-pointer underline",
                ),
                id="editing",
                class_name="px-3 text-sm text-soft",
            ),
        ),
        chat_box(busy=Talk.busy, on_submit=on_ask, on_stop=Talk.stop, below=below),
        rx.el.p(Talk.spoken, id="spoken", aria_live="polite", class_name="sr-only"),
        rx.el.button(type="button", id="talk-again", hidden=True, on_click=on_look),
        class_name=class_name,
    )


def talk_refused() -> rx.Component:
    return refused(Talk.trouble, Talk.pack, Talk.buy_href, Talk.dismiss)
