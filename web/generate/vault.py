"""A factoid from the vault: a stored one, offered when a new one is refused."""

from typing import Any
from uuid import UUID

import reflex as rx

from web.client.api import ApiClient, ApiProblem
from web.factoid.card import Card, all_categories, to_card
from web.factoid.votes import list_card
from web.generate.form import result_card
from web.generate.on_payment import MAX_TOPIC_LENGTH
from web.ui import design
from web.ui.forms import as_uuid, fields_of, text_of
from web.ui.parts import icon

MAX_EXCLUDED = 60
"""How many of the factoids on the screen are excluded at most; the API accepts 100."""


class VaultState(rx.State):
    """The stored factoid that was picked."""

    found: list[Card] = []

    @rx.event
    async def pick(self, request: Any):
        """Pick a stored factoid on the topic in the form, other than those on the screen."""
        topic, seen = vault_request(request)
        api = ApiClient.for_visitor(self)
        try:
            await all_categories(api)
            self.found = [to_card(await api.vault(topic, seen))]
        except ApiProblem as refusal:
            return rx.toast.info(refusal.problem.detail)
        return None

    @rx.event
    def dismiss(self):
        self.found = []


def vault_request(request: Any) -> tuple[str, list[UUID]]:
    """The topic and the factoids on the screen, from an untrusted request."""
    fields = fields_of(request)
    topic, seen = fields.get("topic"), fields.get("seen")
    ids = [as_uuid(value) for value in seen] if isinstance(seen, list) else []
    return (
        text_of(topic)[:MAX_TOPIC_LENGTH],
        [id_ for id_ in ids if id_][:MAX_EXCLUDED],
    )


def vault_button(class_name: Any = design.PRIMARY) -> rx.Component:
    return rx.el.button(
        icon("archive", 16),
        "A fact from the vault",
        type="button",
        id="vault",
        on_click=rx.call_script("factoids.vaultRequest()", callback=VaultState.pick),
        class_name=class_name,
    )


def vault_result() -> rx.Component:
    cards = rx.foreach(VaultState.found, lambda card: rx.el.div(list_card(card=card), key=card.id))
    return rx.cond(
        VaultState.found,
        result_card(
            cards, VaultState.dismiss, character="🗝️", title="From the vault", id="from-the-vault"
        ),
    )
