"""A fact from the vault: a stored one, where a new one is not to be had."""

from typing import Any
from uuid import UUID

import reflex as rx

from web.client.api import ApiProblem
from web.client.session import api_for
from web.factoid.card import Card, all_categories, to_card
from web.factoid.votes import as_uuid, list_card
from web.generate.form import ready
from web.ui import design
from web.ui.parts import icon

SEEN = 60
"""So many of the factoids on the screen are left out; nobody looks at more."""
TOPIC_LENGTH = 120


class Vault(rx.State):
    """The stored factoid that was handed out."""

    found: list[Card] = []

    @rx.event
    async def find(self, sought: Any):
        """Hand out a factoid on the topic in the form that is not on the screen."""
        topic, seen = read_sought(sought)
        api = api_for(self)
        try:
            await all_categories(api)
            self.found = [to_card(await api.vault(topic, seen))]
        except ApiProblem as refused:
            return rx.toast.info(refused.problem.detail)
        return None

    @rx.event
    def put_away(self):
        self.found = []


def read_sought(sought: Any) -> tuple[str, list[UUID]]:
    """The topic and the factoids on the screen; a browser may have sent anything."""
    given: dict[str, Any] = sought if isinstance(sought, dict) else {}
    topic, seen = given.get("topic"), given.get("seen")
    ids = [as_uuid(one) for one in seen] if isinstance(seen, list) else []
    return (
        topic.strip()[:TOPIC_LENGTH] if isinstance(topic, str) else "",
        [id_ for id_ in ids if id_][:SEEN],
    )


def vault_button(class_name: Any = design.PRIMARY) -> rx.Component:
    return rx.el.button(
        icon("archive", 16),
        "A fact from the vault",
        type="button",
        id="vault",
        on_click=rx.call_script("factoids.sought()", callback=Vault.find),
        class_name=class_name,
    )


def from_the_vault() -> rx.Component:
    cards = rx.foreach(Vault.found, lambda card: rx.el.div(list_card(card=card), key=card.id))
    return rx.cond(
        Vault.found,
        ready(cards, Vault.put_away, face="🗝️", title="From the vault", id="from-the-vault"),
    )
