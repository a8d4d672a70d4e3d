"""Small components used on every page."""

from typing import Any, TypeVar, cast

import reflex as rx
from reflex_components_core.el.elements.inline import A
from reflex_components_core.react_router.dom import ReactRouterLink

from web.ui import design
from web.ui.client_store import live_or, selector, use_store

T = TypeVar("T")


class InView(rx.Component):
    """Triggers `on_change` when it scrolls into view and out of it."""

    library = "react-intersection-observer@9.16.0"
    tag = "InView"
    as_: str
    root_margin: str
    on_change: rx.EventHandler[lambda in_view, entry: [in_view]]


def link(*content: Any, to: str, **props: Any) -> rx.Component:
    """A link within the site, followed without loading a new document."""
    return ReactRouterLink.create(*content, to=to, **props)


def plain_link(*content: Any, href: str, **props: Any) -> rx.Component:
    """An ordinary link, which loads a new document or jumps within this one.

    `rx.el.a` would follow it in the client.
    """
    return A.create(*content, href=href, **props)


def new_tab_link(*content: Any, href: Any, **props: Any) -> rx.Component:
    """A link that opens in a new tab, which gets no access to this one and no referrer."""
    return A.create(*content, href=href, target="_blank", rel="noopener noreferrer", **props)


def external_link(text: str, href: str, **props: Any) -> rx.Component:
    """A link to another site, marked as such."""
    return new_tab_link(
        text,
        rx.el.span("(opens in a new tab)", class_name="sr-only"),
        icon("arrow-up-right", 15),
        href=href,
        **props,
    )


def icon(name: str, size: int = 18, **props: Any) -> rx.Component:
    """A decorative icon, hidden from screen readers."""
    return rx.icon(name, size=size, aria_hidden="true", **props)


def emoji(character: str, class_name: str = "") -> rx.Component:
    return rx.el.span(character, class_name="emoji " + class_name, aria_hidden="true")


def tile(character: str, hue: str) -> rx.Component:
    """A factoid's emoji on the colour of its category."""
    return rx.el.span(
        character,
        style={"--hue": hue},
        class_name="tile emoji grid size-12 shrink-0 place-items-center rounded-2xl text-2xl",
        aria_hidden="true",
    )


def value_of(variable: rx.Var[T]) -> T:
    """The variable, typed as its value, so that the type checker knows the value's fields."""
    return cast(T, variable)


def aria_bool(condition: Any) -> rx.Var[str]:
    """A condition as an ARIA attribute: the string true or false."""
    return rx.cond(condition, "true", "false")


def bar(size: str) -> rx.Component:
    return rx.el.div(class_name=f"skeleton {size}")


def skeleton() -> rx.Component:
    """A placeholder in the shape of a card, shown while it loads."""
    return rx.el.div(
        rx.el.div(
            bar("size-12 !rounded-2xl"),
            rx.el.div(bar("h-4 w-28"), bar("h-3 w-16"), class_name="grid gap-2"),
            class_name="flex items-center gap-3",
        ),
        rx.el.div(
            bar("h-6 w-full"), bar("h-6 w-11/12"), bar("h-6 w-3/5"), class_name="mt-5 grid gap-3"
        ),
        rx.el.div(
            bar("h-9 w-32 !rounded-full"),
            bar("h-9 w-20 !rounded-full"),
            class_name="mt-6 flex gap-2",
        ),
        class_name=design.CARD + "p-5 sm:p-7",
    )


def skeletons(count: int) -> rx.Component:
    return rx.el.div(
        *[skeleton() for _ in range(count)], class_name="grid grid-cols-1 gap-4", aria_hidden="true"
    )


def notice(
    character: str,
    title: str,
    text: str,
    *actions: rx.Component,
    **props: Any,
) -> rx.Component:
    """Shown in place of missing content: the reason, and what to do next."""
    return rx.el.div(
        emoji(character, "text-4xl"),
        rx.el.h2(title, class_name="serif balance mt-4 text-2xl font-semibold"),
        rx.el.p(text, class_name="mx-auto mt-2 max-w-md text-soft"),
        rx.el.div(*actions, class_name="mt-5 flex flex-wrap justify-center gap-2"),
        class_name="rounded-2xl border border-dashed border-line px-6 py-14 text-center",
        **props,
    )


@rx.memo
def time_ago(at: rx.Var[str], words: rx.Var[str]) -> rx.Component:
    """The age of a moment, with the exact time as its title."""
    clock = use_store("clock", "clock")
    return rx.el.time(selector("age", at, live_or(clock, "minute", 0)), date_time=at, title=words)


def load_problem(title: str, text: Any, on_retry: Any, **props: Any) -> rx.Component:
    """Shown in place of content that could not be loaded: the reason and a button to retry."""
    retry = rx.el.button(
        "Try again", type="button", id="retry", on_click=on_retry, class_name=design.PRIMARY
    )
    return notice("🛸", title, text, retry, id="trouble", role="alert", **props)


def close_button(on_click: Any) -> rx.Component:
    if on_click is None:
        return rx.fragment()
    return rx.el.button(
        icon("x", 18),
        rx.el.span("Put it away", class_name="sr-only"),
        type="button",
        on_click=on_click,
        class_name=design.QUIET + "-mr-3 ml-auto w-11 shrink-0 !px-0",
    )
