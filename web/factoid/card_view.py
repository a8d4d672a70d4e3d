"""The card of a factoid: its text, the votes and all its actions."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from web.factoid.card import Card, Detail
from web.ui import design
from web.ui.client_store import live_or, selector, store_call, use_store
from web.ui.parts import aria_bool, emoji, external_link, icon, link, tile

NARROW = "whitespace-nowrap max-sm:!gap-1 max-sm:!px-2 "
"""For buttons of which two must fit side by side on the smallest phone."""


@dataclass(frozen=True)
class CardEvents:
    """The event handlers of a card."""

    vote: Any
    shared: Any
    """Receives the outcome of sharing or copying."""


def _heading(card: Card, age: str, linked: bool) -> rx.Component:
    when = rx.el.time(age, date_time=card.created_at, title=card.created_text)
    subject = rx.cond(card.subject != "", card.subject, card.category_label)
    return rx.el.div(
        tile(card.emoji, card.hue),
        rx.el.div(
            rx.el.p(subject, class_name="sentence truncate text-sm font-semibold"),
            rx.el.p(
                link(
                    card.category_label,
                    to=card.category_href,
                    class_name="-my-3 py-3 pr-2 underline-offset-2 hover:underline",
                ),
                rx.el.span("·", class_name="pr-2", aria_hidden="true"),
                link(when, to=card.href, class_name="-my-3 py-3 underline-offset-2 hover:underline")
                if linked
                else when,
                rx.cond(
                    card.source_href != "",
                    rx.el.span(
                        rx.el.span("·", class_name="px-2", aria_hidden="true"),
                        external_link(
                            "Source",
                            card.source_href,
                            class_name="-my-3 inline-flex items-center gap-1 py-3 "
                            "underline-offset-2 hover:underline",
                        ),
                    ),
                ),
                class_name="text-sm text-faint",
            ),
            class_name="min-w-0",
        ),
        class_name="flex items-center gap-3",
    )


def _text(card: Card, level: str) -> rx.Component:
    words = rx.cond(
        card.parts,
        rx.foreach(card.parts, lambda part: rx.cond(part.match, rx.el.mark(part.text), part.text)),
        card.text,
    )
    element = rx.el.h1 if level == "h1" else rx.el.p
    size = design.FACT_LARGE if level == "h1" else design.FACT
    return element(words, class_name=size + "mt-4")


def _vote(card: Card, live: rx.Var, value: int, events: CardEvents) -> rx.Component:
    up, down = live_or(live, "up", card.up).to(int), live_or(live, "down", card.down).to(int)
    mine = live_or(live, "mine", card.mine).to(int)
    on = mine == value
    next_value = rx.cond(on, 0, value)
    character, label, number = ("🤯", "Mind blown", up) if value == 1 else ("😒", "Meh", down)
    selected = (
        "border-good bg-good-soft text-good"
        if value == 1
        else "border-accent bg-accent-soft text-accent"
    )
    shape = design.BUTTON + NARROW + "border px-3 sm:px-4 "
    return rx.el.button(
        emoji(character, "text-lg"),
        label,
        rx.el.span(number, class_name="tabular-nums"),
        type="button",
        title="My mind is blown!" if value == 1 else "Meh",
        aria_pressed=aria_bool(on),
        custom_attrs={"data-vote": str(value)},
        class_name=rx.cond(
            on, shape + selected, shape + "border-line text-soft hover:bg-tint hover:text-ink"
        ),
        on_click=[
            rx.call_script(store_call("vote", card.id, mine, up, down, next_value)),
            events.vote(card.id, next_value),
        ],
    )


def _actions(card: Card, live: rx.Var, opened: bool, events: CardEvents) -> rx.Component:
    return rx.el.div(
        _vote(card, live, 1, events),
        _vote(card, live, -1, events),
        rx.el.button(
            icon("share-2"),
            "Share",
            type="button",
            custom_attrs={"data-share": ""},
            on_click=rx.call_script(
                store_call("share", card.text, card.url), callback=events.shared
            ),
            class_name=design.QUIET + NARROW + "sm:ml-auto",
        ),
        rx.el.button(
            icon("search-check"),
            "Check it",
            type="button",
            aria_expanded=aria_bool(opened),
            custom_attrs={"data-more": ""},
            on_click=rx.call_script(store_call("toggle", card.id, "open", opened)),
            class_name=design.QUIET + NARROW,
        ),
        class_name="mt-5 grid grid-cols-[4fr_3fr] gap-2 sm:-mr-3 sm:flex sm:items-center",
    )


def _detail(detail: Detail) -> rx.Component:
    return rx.el.div(
        rx.el.dt(detail.name, class_name="text-faint"),
        rx.el.dd(detail.text, class_name="break-words max-sm:font-medium"),
        class_name="grid gap-x-4 sm:grid-cols-[11rem_1fr]",
    )


def _more(card: Card, events: CardEvents, *, alone: bool) -> rx.Component:
    """Ways to check and copy the factoid, and how it was made. On its own page (`alone`) the link
    to the chat is left out, because the chat's panel is right below.
    """

    def copy(label: str, name: str, text: str) -> rx.Component:
        return rx.el.button(
            icon(name, 16),
            label,
            type="button",
            on_click=rx.call_script(store_call("copy", text), callback=events.shared),
            class_name=design.SECONDARY,
        )

    share_text = card.text + "\n\nKeep exploring factoids: " + card.url
    return rx.el.div(
        rx.el.div(
            rx.fragment()
            if alone
            else link(
                icon("message-circle", 16),
                "Ask our overlords",
                to=card.href + "#ask",
                title="Discuss with our AI overlords",
                class_name=design.SECONDARY,
            ),
            external_link("Search up that bad boi", card.search_href, class_name=design.SECONDARY),
            external_link("Ask ChatGippity", card.ask_href, class_name=design.SECONDARY),
            rx.cond(
                card.source_href != "",
                external_link("Read the source", card.source_href, class_name=design.SECONDARY),
            ),
            copy("Copy text", "copy", share_text),
            copy("Copy link", "link", card.url),
            class_name="flex flex-wrap gap-2",
        ),
        rx.el.dl(
            rx.foreach(card.details, _detail), class_name="mt-5 grid gap-3 text-sm sm:gap-1.5"
        ),
        class_name="rise mt-4 border-t border-line pt-5",
        custom_attrs={"data-details": ""},
    )


def factoid_card(
    card: Card,
    events: CardEvents,
    feedback: rx.Component,
    *,
    level: str = "p",
) -> rx.Component:
    """A card; `feedback` shows after a vote. Use it inside `rx.memo` only: it has React hooks."""
    live = use_store(card.id, "live")
    opened = live_or(live, "open", level == "h1").bool()
    clock = use_store("clock", "clock")
    age = selector("age", card.created_at, live_or(clock, "minute", 0))
    return rx.el.article(
        _heading(card, age, linked=level != "h1"),
        _text(card, level),
        _actions(card, live, opened, events),
        rx.cond(live_or(live, "ask", False).bool(), feedback),
        rx.cond(opened, _more(card, events, alone=level == "h1")),
        aria_label=card.subject,
        class_name=design.CARD + "p-5 sm:p-7",
        custom_attrs={"data-factoid": card.id},
    )
