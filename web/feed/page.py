"""The feed: newest first or as the address says, in chunks, with search, categories and shuffle."""

from typing import Any

import reflex as rx

from web.client.api import ApiProblem
from web.client.session import api_for
from web.factoid.card import Card, all_categories, to_card
from web.factoid.votes import card_item
from web.feed.query import Choice, Wish, category_choices, sort_choices
from web.feed.tools import categories, search, sorts
from web.generate.allowance import Allowance
from web.generate.panel import generate_panel
from web.generate.state import Generate
from web.ui import design
from web.ui.client_store import feed_at, tell
from web.ui.layout import TAGLINE, new_facts, page
from web.ui.parts import InView, link, notice, skeletons

PAGE = 20
"""Factoids in one chunk: about six screens of a phone."""
CHUNKS = 25
"""A tab shows at most 500 factoids; who wants more searches."""
MOST_AT_ONCE = 100
"""The API's largest page, used to find a reading place again."""


class Feed(rx.State):
    """What the feed shows. Each page of cards is a variable of its own, c0 to c24, because a
    variable is sent whole whenever it changes: loading more sends only the new page.
    """

    sort: str = ""
    category: str = ""
    q: str = ""
    count: int = 0
    ended: bool = False
    ready: bool = False
    loading_more: bool = False
    problem: str = ""
    sorts: list[Choice] = sort_choices(Wish())
    categories: list[Choice] = category_choices(Wish(), [])
    reach: str = rx.SessionStorage("", name="feed_reach")
    """Chunks loaded and for which address, to find the place again after a reload or a restart."""
    _cursor: str = ""

    @rx.event
    async def open(self):
        """Show what the address says; runs at every arrival and whenever the address changes."""
        wish = Wish.read(self.router.url)
        self.sort, self.category, self.q = wish.sort, wish.category, wish.q
        self.sorts = sort_choices(wish)
        wanted = read_reach(self.reach, wish.href)
        self.problem = ""
        api = api_for(self)
        try:
            self.categories = category_choices(wish, await all_categories(api))
            cards, cursor = list[Card](), ""
            while len(cards) < wanted * PAGE:
                found = await api.factoids(
                    sort=wish.order,
                    category=wish.category,
                    q=wish.q,
                    cursor=cursor or None,
                    limit=min(wanted * PAGE - len(cards), MOST_AT_ONCE),
                )
                cards += [to_card(factoid) for factoid in found.items]
                cursor = found.next_cursor or ""
                if not cursor:
                    break
        except ApiProblem as refusal:
            self.problem = refusal.problem.detail
        else:
            _show(self, cards, cursor)
            self.reach = f"{self.count} {wish.href}"
        self.ready = True
        return tell("settle")

    @rx.event
    async def more(self, visible: bool = True):
        """Load the next page when the end of the list comes near, or when asked to."""
        if visible is not True or not self.ready or self.ended or self.loading_more:
            return
        self.loading_more = True
        yield
        wish = Wish(self.sort, self.category, self.q)
        try:
            found = await api_for(self).factoids(
                sort=wish.order,
                category=wish.category,
                q=wish.q,
                cursor=self._cursor,
                limit=PAGE,
            )
        except ApiProblem as refusal:
            yield rx.toast.error(refusal.problem.detail)
        else:
            _add(self, [to_card(factoid) for factoid in found.items], found.next_cursor or "")
            self.reach = f"{self.count} {wish.href}"
        self.loading_more = False


for _number in range(CHUNKS):
    Feed.add_var(f"c{_number}", list[Card], [])


def read_reach(reach: Any, href: str) -> int:
    """How many chunks this tab had loaded for an address; the browser may have kept anything."""
    count, _, address = reach.partition(" ") if isinstance(reach, str) else ("", "", "")
    if address != href or not (count.isascii() and count.isdigit() and len(count) < 4):
        return 1
    return min(max(int(count), 1), CHUNKS)


def _show(feed: Feed, cards: list[Card], cursor: str) -> None:
    before, feed.count = feed.count, 0
    for start in range(0, len(cards), PAGE):
        _add(feed, cards[start : start + PAGE], cursor)
    for number in range(feed.count, before):
        setattr(feed, f"c{number}", [])
    feed.ended = not cursor or feed.count >= CHUNKS


def _add(feed: Feed, cards: list[Card], cursor: str) -> None:
    if cards and feed.count < CHUNKS:
        setattr(feed, f"c{feed.count}", cards)
        feed.count += 1
    feed._cursor = cursor
    feed.ended = not cursor or feed.count >= CHUNKS


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
            Feed.count > number,
            rx.el.ul(
                rx.foreach(getattr(Feed, f"c{number}"), card_item),
                class_name="grid grid-cols-1 gap-4",
            ),
        )
        for number in range(CHUNKS)
    ]
    return rx.el.div(*chunks, class_name="grid grid-cols-1 gap-4")


def _nothing() -> rx.Component:
    everything = link("See all facts", to="/", class_name=design.SECONDARY)
    shuffle = link("Shuffle", to="/?sort=random", class_name=design.SECONDARY)
    return rx.cond(
        Feed.q != "",
        notice(
            "🔭",
            "Nothing found for “" + Feed.q + "”",
            "Even our overlords have not written about that yet. Try fewer or other words, search "
            "all categories, or have a fact written about it above.",
            link("Search everything", to=feed_at(q=Feed.q), class_name=design.SECONDARY),
            everything,
            id="empty",
        ),
        rx.cond(
            Feed.category != "",
            notice(
                "🪹",
                "Nothing here yet",
                "Be the first: generate one above.",
                everything,
                id="empty",
            ),
            notice("🥚", "No factoids yet.", "Generate one to get started!", shuffle, id="empty"),
        ),
    )


def _end() -> rx.Component:
    more = rx.el.div(
        InView.create(
            rx.el.button(
                rx.cond(Feed.loading_more, "Fetching more…", "Load more"),
                type="button",
                id="more",
                on_click=Feed.more(True),
                class_name=design.SECONDARY + "mx-auto !flex",
            ),
            as_="div",
            root_margin="800px",
            on_change=Feed.more,
        ),
        class_name="pt-6",
    )
    done = rx.el.p(
        rx.cond(
            Feed.count >= CHUNKS,
            "That is plenty for one day. Search for more.",
            "That is everything. For now.",
        ),
        id="end",
        class_name="serif py-10 text-center text-lg text-faint",
    )
    return rx.cond(Feed.ready & (Feed.count > 0), rx.cond(Feed.ended, done, more))


def _trouble() -> rx.Component:
    return notice(
        "🛸",
        "The facts did not arrive",
        Feed.problem,
        rx.el.button(
            "Try again", type="button", id="retry", on_click=Feed.open, class_name=design.PRIMARY
        ),
        id="trouble",
        role="alert",
    )


def _facts() -> rx.Component:
    shown = rx.cond(Feed.count > 0, _list(), _nothing())
    return rx.el.section(
        rx.el.h2("Facts", class_name="sr-only"),
        rx.el.div(
            rx.cond(Feed.ready, rx.cond(Feed.problem != "", _trouble(), shown), skeletons(4)),
            class_name=rx.cond(Feed.ready, rx.cond(rx.State.is_hydrated, "", "stale"), ""),
        ),
        _end(),
        id="facts",
        aria_busy=rx.cond(Feed.ready & rx.State.is_hydrated, "false", "true"),
        class_name="scroll-mt-20",
    )


@rx.page(
    route="/",
    title="Andy's Daily Factoids",
    description="Mind blowing and sometimes 'meh' factoids from our AI overlords!",
    image="/card.png",
    on_load=[Feed.open, Allowance.open, Generate.resume],
)
def feed() -> rx.Component:
    return page(
        _hero(),
        categories(Feed.categories),
        rx.el.div(
            rx.el.div(
                sorts(Feed.sorts),
                search(Feed.sort, Feed.category),
                class_name="flex flex-col-reverse gap-3 pb-5 sm:flex-row sm:items-center "
                "sm:justify-between",
            ),
            new_facts(category=Feed.category, on_feed=True),
            _facts(),
            class_name="min-w-0 lg:col-start-2",
        ),
        class_name="lg:grid lg:grid-cols-[13rem_minmax(0,46rem)] lg:justify-center lg:gap-x-10",
    )
