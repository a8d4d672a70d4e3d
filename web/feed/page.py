"""The page of the feed, with the generate form, search, categories and sort orders."""

import reflex as rx

from web.factoid.votes import card_item
from web.feed.prerender import prerender_feed
from web.feed.state import MAX_CHUNKS, FeedState
from web.feed.tools import categories, search, sorts
from web.generate.allowance import AllowanceState
from web.generate.panel import generate_panel
from web.generate.state import GenerateState
from web.server.page import Page
from web.ui import design
from web.ui.client_store import feed_href
from web.ui.layout import TAGLINE, new_facts, page
from web.ui.parts import InView, link, load_problem, notice, skeletons


def _hero() -> rx.Component:
    return rx.el.div(
        rx.el.h1(
            TAGLINE,
            class_name="sentence serif balance text-[1.75rem] font-semibold leading-[1.12] "
            "tracking-[-0.02em] sm:text-[2.5rem]",
        ),
        generate_panel(),
        class_name="min-w-0 pb-5 pt-6 sm:pt-10 lg:col-start-2",
    )


def _list() -> rx.Component:
    chunks = [
        rx.cond(
            FeedState.count > number,
            rx.el.ul(
                rx.foreach(getattr(FeedState, f"c{number}"), card_item),
                class_name="grid grid-cols-1 gap-4",
            ),
        )
        for number in range(MAX_CHUNKS)
    ]
    return rx.el.div(*chunks, class_name="grid grid-cols-1 gap-4")


def _empty() -> rx.Component:
    all_facts = link("See all facts", to="/", class_name=design.SECONDARY)
    shuffle = link("Shuffle", to="/?sort=random", class_name=design.SECONDARY)
    return rx.cond(
        FeedState.q != "",
        notice(
            "🔭",
            "Nothing found for “" + FeedState.q + "”",
            "Even our overlords have not written about that yet. Try fewer or other words, search "
            "all categories, or have a fact written about it above.",
            link("Search everything", to=feed_href(q=FeedState.q), class_name=design.SECONDARY),
            all_facts,
            id="empty",
        ),
        rx.cond(
            FeedState.category != "",
            notice(
                "🪹",
                "Nothing here yet",
                "Be the first: generate one above.",
                all_facts,
                id="empty",
            ),
            notice("🥚", "No factoids yet.", "Generate one to get started!", shuffle, id="empty"),
        ),
    )


def _end() -> rx.Component:
    more = rx.el.div(
        InView.create(
            rx.el.button(
                rx.cond(FeedState.loading_more, "Fetching more…", "Load more"),
                type="button",
                id="more",
                on_click=FeedState.load_more(True),
                class_name=design.SECONDARY + "mx-auto !flex",
            ),
            as_="div",
            root_margin="800px",
            on_change=FeedState.load_more,
        ),
        class_name="pt-6",
    )
    done = rx.el.p(
        rx.cond(
            FeedState.count >= MAX_CHUNKS,
            "That is plenty for one day. Search for more.",
            "That is everything. For now.",
        ),
        id="end",
        class_name="serif py-10 text-center text-lg text-faint",
    )
    return rx.cond(FeedState.ready & (FeedState.count > 0), rx.cond(FeedState.ended, done, more))


def _facts() -> rx.Component:
    shown = rx.cond(FeedState.count > 0, _list(), _empty())
    return rx.el.section(
        rx.el.h2("Facts", class_name="sr-only"),
        rx.el.div(
            rx.cond(
                FeedState.ready,
                rx.cond(
                    FeedState.problem != "",
                    load_problem(
                        "The facts did not arrive", FeedState.problem, FeedState.load_feed
                    ),
                    shown,
                ),
                skeletons(4),
            ),
            class_name=rx.cond(FeedState.ready, rx.cond(rx.State.is_hydrated, "", "stale"), ""),
        ),
        _end(),
        id="facts",
        aria_busy=rx.cond(FeedState.ready & rx.State.is_hydrated, "false", "true"),
        class_name="scroll-mt-20",
    )


def feed() -> rx.Component:
    return page(
        _hero(),
        categories(FeedState.categories),
        rx.el.div(
            rx.el.div(
                sorts(FeedState.sorts),
                search(FeedState.sort, FeedState.category),
                class_name="flex flex-col-reverse gap-3 pb-5 sm:flex-row sm:items-center "
                "sm:justify-between",
            ),
            new_facts(category=FeedState.category, on_feed=True),
            _facts(),
            class_name="min-w-0 lg:col-start-2",
        ),
        class_name="lg:grid lg:grid-cols-[13rem_minmax(0,46rem)] lg:justify-center lg:gap-x-10",
    )


PAGE = Page(
    route="/",
    component=feed,
    title="Andy's Daily Factoids",
    description="Mind blowing and sometimes 'meh' factoids from our AI overlords!",
    image="/card.png",
    on_load=[FeedState.load_feed, AllowanceState.load_allowance, GenerateState.resume],
    prerender=prerender_feed,
)
