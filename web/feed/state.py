"""The state of the feed: the factoids that the address asks for, in chunks."""

from typing import Any

import reflex as rx

from web.client.api import ApiClient, ApiProblem
from web.factoid.card import Card, all_categories, to_card
from web.feed.query import Choice, FeedQuery, category_choices, sort_choices
from web.ui.client_store import dispatch
from web.ui.page_state import LoadedPage

PAGE_SIZE = 20
"""Factoids in one chunk: about six screens of a phone."""
MAX_CHUNKS = 25
"""A tab shows at most 500 factoids; more are found by searching."""
API_PAGE_LIMIT = 100
"""The API's largest page, used to restore the scroll position."""


class FeedState(LoadedPage, rx.State):
    """The feed. Each chunk of cards is a variable of its own, c0 to c24, because Reflex sends a
    changed variable whole: loading more sends only the new chunk.
    """

    sort: str = ""
    category: str = ""
    q: str = ""
    count: int = 0
    ended: bool = False
    loading_more: bool = False
    sorts: list[Choice] = sort_choices(FeedQuery())
    categories: list[Choice] = category_choices(FeedQuery(), [])
    loaded_chunks: str = rx.SessionStorage("", name="feed_reach")
    """How many chunks are loaded for which address, to restore them after a reload or restart."""
    _cursor: str = ""

    @rx.event
    async def load_feed(self):
        """Load what the address asks for; runs at a page load and whenever the address changes."""
        query = FeedQuery.from_address(self.router.url)
        self.sort, self.category, self.q = query.sort, query.category, query.q
        self.sorts = sort_choices(query)
        chunks = chunks_to_restore(self.loaded_chunks, query.href)
        api = ApiClient.for_visitor(self)
        with self._loading():
            self.categories = category_choices(query, await all_categories(api))
            cards, cursor = await _read_cards(api, query, chunks * PAGE_SIZE)
            _show(self, cards, cursor)
            self.loaded_chunks = f"{self.count} {query.href}"
        return dispatch("listLoaded")

    @rx.event
    async def load_more(self, visible: bool = True):
        """Load the next chunk when the end of the list comes near or the button is pressed."""
        if visible is not True or not self.ready or self.ended or self.loading_more:
            return
        self.loading_more = True
        yield
        query = FeedQuery(self.sort, self.category, self.q)
        try:
            page = await ApiClient.for_visitor(self).factoids(
                sort=query.order,
                category=query.category,
                q=query.q,
                cursor=self._cursor,
                limit=PAGE_SIZE,
            )
        except ApiProblem as refusal:
            yield rx.toast.error(refusal.problem.detail)
        else:
            _add(self, [to_card(factoid) for factoid in page.items], page.next_cursor or "")
            self.loaded_chunks = f"{self.count} {query.href}"
        self.loading_more = False


for _number in range(MAX_CHUNKS):
    FeedState.add_var(f"c{_number}", list[Card], [])


async def _read_cards(api: ApiClient, query: FeedQuery, count: int) -> tuple[list[Card], str]:
    """The first `count` cards of a query, and the cursor of the next one."""
    cards, cursor = list[Card](), ""
    while len(cards) < count:
        page = await api.factoids(
            sort=query.order,
            category=query.category,
            q=query.q,
            cursor=cursor or None,
            limit=min(count - len(cards), API_PAGE_LIMIT),
        )
        cards += [to_card(factoid) for factoid in page.items]
        cursor = page.next_cursor or ""
        if not cursor:
            break
    return cards, cursor


def chunks_to_restore(loaded: Any, href: str) -> int:
    """How many chunks this tab had loaded for an address; `loaded` is untrusted."""
    count, _, address = loaded.partition(" ") if isinstance(loaded, str) else ("", "", "")
    if address != href or not (count.isascii() and count.isdigit() and len(count) < 4):
        return 1
    return min(max(int(count), 1), MAX_CHUNKS)


def _show(feed: FeedState, cards: list[Card], cursor: str) -> None:
    before, feed.count = feed.count, 0
    for start in range(0, len(cards), PAGE_SIZE):
        _add(feed, cards[start : start + PAGE_SIZE], cursor)
    for number in range(feed.count, before):
        setattr(feed, f"c{number}", [])
    feed.ended = not cursor or feed.count >= MAX_CHUNKS


def _add(feed: FeedState, cards: list[Card], cursor: str) -> None:
    if cards and feed.count < MAX_CHUNKS:
        setattr(feed, f"c{feed.count}", cards)
        feed.count += 1
    feed._cursor = cursor
    feed.ended = not cursor or feed.count >= MAX_CHUNKS
