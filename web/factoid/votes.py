"""The state of voting and feedback, and the cards connected to it."""

from typing import Any

import reflex as rx

from api.schemas.factoids import FeedbackIn, FeedbackTag
from web.client.api import ApiClient, ApiProblem
from web.factoid.card import Card
from web.factoid.card_view import CardEvents, factoid_card
from web.factoid.feedback_form import TAGS, feedback_form
from web.ui.client_store import dispatch
from web.ui.forms import as_uuid
from web.ui.parts import value_of
from web.ui.sharing import SharingState


class VotesState(rx.State):
    """Handles votes and feedback. The browser shows a vote before it arrives here."""

    @rx.event
    async def vote(self, factoid_id: str, value: int):
        """Cast the vote; if it is refused, undo it in the browser and show the reason."""
        id_ = as_uuid(factoid_id)
        if id_ is None or type(value) is not int or value not in (-1, 0, 1):
            return None
        try:
            tally = await ApiClient.for_visitor(self).vote(id_, value)
        except ApiProblem as refusal:
            return [dispatch("undoVote", str(id_)), rx.toast.error(refusal.problem.detail)]
        change = {"up": tally.votes_up, "down": tally.votes_down, "mine": tally.my_vote or 0}
        return dispatch("patch", str(id_), change)

    @rx.event
    async def send_feedback(self, form: Any):
        """Send the feedback on a factoid."""
        id_ = as_uuid(form.get("factoid_id")) if isinstance(form, dict) else None
        if id_ is None:
            return None
        comment = form.get("comment")
        comment = comment.strip() or None if isinstance(comment, str) else None
        tags: list[FeedbackTag] = [tag for tag in TAGS if form.get(f"tag-{tag}")]
        if not comment and not tags:
            return dispatch("patch", str(id_), {"ask": False})
        try:
            await ApiClient.for_visitor(self).feedback(
                FeedbackIn(factoid_id=id_, comment=comment, tags=tags)
            )
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        thanks = rx.toast.success("Thanks! Our overlords are taking notes.")
        return [dispatch("patch", str(id_), {"ask": False}), thanks]


EVENTS = CardEvents(vote=VotesState.vote, shared=SharingState.report_outcome)


def _connected_card(card: Card, level: str = "p") -> rx.Component:
    return factoid_card(card, EVENTS, feedback_form(card.id, VotesState.send_feedback), level=level)


@rx.memo
def list_card(card: rx.Var[Card]) -> rx.Component:
    """A card in a list."""
    return _connected_card(value_of(card))


@rx.memo
def page_card(card: rx.Var[Card]) -> rx.Component:
    """The card on the factoid's own page: its text is the page's heading."""
    return _connected_card(value_of(card), level="h1")


def card_item(card: Card) -> rx.Component:
    return rx.el.li(list_card(card=card), key=card.id)
