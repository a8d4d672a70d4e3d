"""The state of a factoid's page: the factoid, and a few more below it."""

import reflex as rx

from web.client.api import ApiClient, ApiProblem
from web.factoid.card import Card, all_categories, to_card
from web.ui.client_store import dispatch
from web.ui.forms import as_uuid
from web.ui.layout import NAME
from web.ui.page_state import LoadedPage

MAX_OTHERS = 6
"""How many other factoids are listed: few enough for a page about one."""


class FactoidPageState(LoadedPage, rx.State):
    """The factoid of this address."""

    cards: list[Card] = []
    others: list[Card] = []
    title: str = NAME

    @rx.event
    async def load_factoid(self):
        """Load the factoid in the address, and a few others."""
        api = ApiClient.for_visitor(self)
        id_ = as_uuid(self.router.url.path.removeprefix("/f/").strip("/"))
        with self._loading():
            await all_categories(api)
            if id_:
                factoid = await api.factoid(id_)
                self.cards, self.title = [to_card(factoid)], f"{factoid.subject} | {NAME}"
        self.missing = self.missing or (id_ is None and not self.problem)
        if self.missing or self.problem:
            self.cards, self.title = [], f"Not found | {NAME}" if self.missing else NAME
        try:
            newest = await api.factoids(limit=MAX_OTHERS + 1)
            shown_ids = {card.id for card in self.cards}
            others = [to_card(factoid) for factoid in newest.items]
            self.others = [card for card in others if card.id not in shown_ids][:MAX_OTHERS]
        except ApiProblem:
            self.others = []
        return dispatch("listLoaded")
