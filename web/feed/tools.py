"""The categories, sort orders and search of the feed: all change its address."""

import reflex as rx

from web.feed.query import MAX_SEARCH_LENGTH, Choice
from web.ui import design
from web.ui.client_store import feed_href
from web.ui.parts import emoji, icon, link


def _current(choice: Choice) -> rx.Var[str]:
    return rx.cond(choice.selected, "true", "false")


def _category(choice: Choice) -> rx.Component:
    shape = (
        "flex min-h-11 shrink-0 items-center gap-2 whitespace-nowrap rounded-full border px-4 "
        "text-sm font-medium transition-colors lg:min-h-9 lg:w-full lg:rounded-xl "
        "lg:border-transparent lg:px-3 "
    )
    on = "border-ink bg-ink text-paper lg:bg-tint lg:text-ink"
    off = "border-line bg-card text-soft hover:bg-tint hover:text-ink lg:bg-transparent"
    return rx.el.li(
        link(
            emoji(choice.emoji, "text-base"),
            choice.label,
            rx.el.span(
                choice.count,
                class_name="ml-auto hidden text-xs tabular-nums text-faint lg:inline",
                aria_hidden="true",
            ),
            to=choice.href,
            aria_current=_current(choice),
            custom_attrs={"data-category": choice.name},
            prevent_scroll_reset=True,
            class_name=rx.cond(choice.selected, shape + on, shape + off),
        ),
        key=choice.name,
    )


def categories(choices: list[Choice]) -> rx.Component:
    """A row of chips on a phone, a column beside the feed where there is room."""
    return rx.el.nav(
        rx.el.h2(
            "Categories",
            class_name="sr-only lg:not-sr-only lg:px-3 lg:pb-1 lg:text-xs lg:font-semibold "
            "lg:text-faint",
        ),
        rx.el.ul(
            rx.foreach(choices, _category),
            class_name="row-scroll -mx-4 flex gap-2 px-4 py-1 sm:-mx-6 sm:px-6 "
            "lg:mx-0 lg:grid lg:gap-0 lg:p-0",
        ),
        aria_label="Categories",
        id="categories",
        class_name="pb-4 lg:sticky lg:top-16 lg:col-start-1 lg:row-span-2 lg:row-start-1 "
        "lg:max-h-[calc(100vh-4rem)] lg:self-start lg:overflow-y-auto lg:pb-5 lg:pt-7 "
        "lg:[mask-image:linear-gradient(to_bottom,#000_calc(100%-1.25rem),transparent)] "
        "[scrollbar-width:thin]",
    )


def _sort(choice: Choice) -> rx.Component:
    shape = (
        "inline-flex min-h-11 items-center whitespace-nowrap rounded-full px-3.5 text-sm "
        "font-medium "
    )
    return rx.el.li(
        link(
            choice.label,
            to=choice.href,
            aria_current=_current(choice),
            custom_attrs={"data-sort": choice.name},
            prevent_scroll_reset=True,
            class_name=rx.cond(
                choice.selected,
                shape + "bg-tint text-ink",
                shape + "text-soft hover:bg-tint hover:text-ink",
            ),
        ),
        key=choice.name,
    )


def sorts(choices: list[Choice]) -> rx.Component:
    return rx.el.nav(
        rx.el.ul(
            rx.foreach(choices, _sort),
            class_name="row-scroll -mx-4 flex gap-1 px-4 py-1 sm:-mx-1 sm:px-1",
        ),
        aria_label="Order",
        id="sorts",
        class_name="min-w-0",
    )


def search(sort: str, category: str) -> rx.Component:
    """A search field: each pause in typing replaces the address, which reloads the list."""

    def navigate(typed: rx.Var[str]) -> rx.event.EventSpec:
        trimmed = rx.Var(f"{typed!s}.trim()", _var_data=typed._get_all_var_data())
        return rx.redirect(feed_href(sort=sort, category=category, q=trimmed), replace=True)

    return rx.el.div(
        rx.el.label("Search the facts", html_for="q", class_name="sr-only"),
        icon(
            "search",
            18,
            class_name="pointer-events-none absolute left-4 top-1/2 -translate-y-1/2 text-faint",
        ),
        rx.el.input(
            id="q",
            type="search",
            name="q",
            placeholder="Search all the facts",
            auto_complete="off",
            enter_key_hint="search",
            max_length=MAX_SEARCH_LENGTH,
            on_change=lambda typed: navigate(typed).debounce(200),
            class_name=design.FIELD + "pl-11 pr-4",
        ),
        role="search",
        id="search",
        class_name="relative sm:w-64",
    )
