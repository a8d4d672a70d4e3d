"""The frame of every page: header, theme menu, main, footer and the offline banner."""

from typing import Any

import reflex as rx
from reflex.style import color_mode, set_color_mode

from web.ui import design
from web.ui.client_store import feed_href, live_or, use_store
from web.ui.parts import aria_bool, emoji, icon, link, plain_link, value_of

TAGLINE = "mind blowing and sometimes 'meh' factoids from our AI overlords!"
NAME = "Andy's Daily Factoids"

WIDTH = "mx-auto w-full max-w-[64.5rem] px-4 sm:px-6 "

THEMES = (("light", "☀️", "Daylight"), ("dark", "🌙", "Midnight"), ("system", "🖥️", "As my device"))


def _logo() -> rx.Component:
    return link(
        rx.el.span(
            "A",
            class_name="serif grid size-9 shrink-0 place-items-center rounded-xl bg-accent text-xl "
            "font-semibold text-accent-ink",
            aria_hidden="true",
        ),
        rx.el.span(
            # A phone has room for half of the name; the A stands for the rest.
            rx.el.span("Andy's ", class_name="max-[27rem]:sr-only"),
            "Daily Factoids",
            class_name="serif truncate !whitespace-nowrap font-semibold tracking-tight text-base "
            "max-[22rem]:text-sm "
            "min-[27rem]:text-lg sm:text-xl",
        ),
        to="/",
        class_name="flex min-h-11 min-w-0 items-center gap-2.5 rounded-xl pr-2",
    )


def _theme_choice(mode: str, character: str, name: str) -> rx.Component:
    return rx.el.button(
        emoji(character, "text-base"),
        rx.el.span(name, class_name="flex-1 text-left"),
        rx.cond(color_mode == mode, icon("check", 16)),
        type="button",
        aria_pressed=aria_bool(color_mode == mode),
        custom_attrs={"data-theme": mode},
        on_click=set_color_mode(mode),  # pyright: ignore[reportArgumentType]
        class_name="flex min-h-11 w-full cursor-pointer items-center gap-3 rounded-xl px-3 text-sm "
        "hover:bg-tint",
    )


def _themes() -> rx.Component:
    """The menu of themes. The popover API opens and closes it and restores the focus."""
    return rx.fragment(
        rx.el.button(
            icon("sun-moon", 20),
            rx.el.span("Theme", class_name="sr-only"),
            type="button",
            id="theme",
            title="Play with some fancy themes",
            custom_attrs={"popoverTarget": "themes"},
            class_name=design.QUIET + "w-11 !px-0",
        ),
        rx.el.div(
            *[_theme_choice(*theme) for theme in THEMES],
            id="themes",
            role="group",
            aria_label="Theme",
            custom_attrs={"popover": "auto"},
            class_name=design.CARD + "menu w-52 p-1.5 text-ink",
        ),
    )


def _header() -> rx.Component:
    return rx.el.header(
        rx.el.div(
            _logo(),
            rx.el.nav(
                link(
                    icon("shuffle", 18),
                    rx.el.span("Shuffle", class_name="max-sm:sr-only"),
                    to="/?sort=random",
                    title="Randomly sample a different batch",
                    id="shuffle",
                    prevent_scroll_reset=True,
                    class_name=design.QUIET + "max-sm:w-11 max-sm:px-0",
                ),
                link(
                    icon("message-circle", 18),
                    rx.el.span("Ask", class_name="max-sm:sr-only"),
                    to="/chat",
                    title="Discuss with our AI overlords",
                    class_name=design.QUIET + "max-sm:w-11 max-sm:px-0",
                ),
                link("Pricing", to="/pricing", class_name=design.QUIET + "max-sm:!hidden"),
                _themes(),
                aria_label="Main",
                class_name="ml-auto flex shrink-0 items-center",
            ),
            class_name=WIDTH + "flex h-16 items-center gap-2",
        ),
        class_name="sticky top-0 z-30 border-b border-line bg-paper/90 backdrop-blur-md",
    )


def _footer() -> rx.Component:
    link_class = "py-3 text-ink underline underline-offset-4 hover:text-accent"

    return rx.el.footer(
        rx.el.div(
            rx.el.p(NAME, class_name="serif text-lg font-semibold"),
            rx.el.p(
                "Short, surprising facts written by language models: one an hour by itself, and "
                "more when you ask. Our overlords are brilliant and sometimes wrong, so check "
                "before you bet on one. Reading, voting and searching are free; writing has a "
                "limit, because every fact costs us a real fraction of a cent.",
                class_name="mt-2 max-w-prose text-sm text-soft",
            ),
            rx.el.nav(
                link("Pricing", to="/pricing", class_name=link_class),
                link("Your account", to="/account", class_name=link_class),
                link("API keys", to="/keys", class_name=link_class),
                plain_link("API for programs", href="/docs", class_name=link_class),
                plain_link("OpenAPI document", href="/openapi.json", class_name=link_class),
                aria_label="About",
                class_name="mt-2 flex flex-wrap gap-x-6 text-sm",
            ),
            class_name=WIDTH + "py-10",
        ),
        class_name="mt-16 border-t border-line bg-tint/50",
    )


@rx.memo
def new_facts(category: rx.Var[str], on_feed: rx.Var[bool]) -> rx.Component:
    """A link with the number of newly arrived factoids; the list changes when it is pressed."""
    arrivals = use_store("arrivals", "arrivals")
    fresh = rx.cond(
        category == "",
        live_or(arrivals, "total", 0).to(int),
        rx.Var(f"(arrivals?.[{category!s}] ?? 0)", _var_data=arrivals._get_all_var_data()).to(int),
    ).to(int)
    words = rx.el.span(fresh, rx.cond(fresh == 1, " new fact", " new facts"))
    pill = design.BUTTON + "rise pointer-events-auto bg-ink text-paper shadow-card"
    # On the feed it is sticky at the top of the list; on other pages it is fixed below the header.
    # In both cases it takes no room.
    place = rx.cond(on_feed, "sticky top-[6.75rem] h-0 *:-mt-8", "fixed inset-x-0 top-[4.75rem]")
    return rx.el.div(
        rx.cond(
            fresh > 0,
            link(
                icon("arrow-up", 16),
                words,
                to=rx.cond(category == "", "/", feed_href(category=value_of(category))),
                id="new-facts",
                on_click=rx.call_script("factoids.clearArrivals();factoids.scrollToTop()"),
                prevent_scroll_reset=on_feed,
                class_name=pill,
            ),
        ),
        role="status",
        class_name="pointer-events-none z-20 flex justify-center " + place.to(str),
    )


def page(*content: rx.Component, footer: bool = True, **props: Any) -> rx.Component:
    """A page around its content; `main` has `data-ready=yes` once its state has arrived."""
    props["class_name"] = WIDTH + "outline-none " + props.get("class_name", "")
    return rx.fragment(
        plain_link(
            "Skip to content",
            href="#main",
            class_name="skip fixed left-3 top-3 z-50 rounded-xl bg-ink px-4 py-3 text-sm "
            "text-paper",
        ),
        _header(),
        rx.el.main(
            *content,
            id="main",
            tab_index=-1,
            custom_attrs={"data-ready": rx.cond(rx.State.is_hydrated, "yes", "no")},
            **props,
        ),
        _footer() if footer else rx.fragment(),
    )


def offline() -> rx.Component:
    """The banner shown while the websocket is down; Reflex sends queued events afterwards."""
    return rx.connection_banner(
        rx.el.div(
            icon("cloud-off", 16, class_name="shrink-0"),
            "You are offline. What is here can still be read; we keep trying…",
            role="status",
            id="offline",
            class_name="fixed bottom-24 left-1/2 z-50 flex w-max max-w-[calc(100vw-2rem)] "
            "-translate-x-1/2 items-center gap-2 rounded-3xl bg-ink px-5 py-3 text-sm font-medium "
            "text-paper shadow-card",
        )
    )
