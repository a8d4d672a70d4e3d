"""Voting, feedback and sharing: the same on every page that shows cards."""

from typing import Any
from uuid import UUID

import reflex as rx

from api.schemas.factoids import FeedbackIn, FeedbackTag
from web.client.api import ApiProblem
from web.client.session import api_for
from web.factoid.card import Card
from web.factoid.card_view import CardEvents, factoid_card
from web.factoid.feedback_form import TAGS, feedback_form
from web.ui.client_store import tell
from web.ui.parts import value_of


def as_uuid(value: Any) -> UUID | None:
    """The id in a value that any browser may have sent, or nothing."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


class Votes(rx.State):
    """What a reader does with a factoid. The browser has shown the vote before it arrives here."""

    @rx.event
    async def vote(self, factoid_id: str, value: int):
        """Make the vote true, or take it back in the browser and say why."""
        id_ = as_uuid(factoid_id)
        if id_ is None or type(value) is not int or value not in (-1, 0, 1):
            return None
        try:
            tally = await api_for(self).vote(id_, value)
        except ApiProblem as refusal:
            return [tell("undo", str(id_)), rx.toast.error(refusal.problem.detail)]
        change = {"up": tally.votes_up, "down": tally.votes_down, "mine": tally.my_vote or 0}
        return tell("patch", str(id_), change)

    @rx.event
    async def send_feedback(self, form: Any):
        """Keep what the reader said about a factoid."""
        id_ = as_uuid(form.get("factoid_id")) if isinstance(form, dict) else None
        if id_ is None:
            return None
        comment = form.get("comment")
        comment = comment.strip() or None if isinstance(comment, str) else None
        tags: list[FeedbackTag] = [tag for tag in TAGS if form.get(f"tag-{tag}")]
        if not comment and not tags:
            return tell("patch", str(id_), {"ask": False})
        try:
            await api_for(self).feedback(FeedbackIn(factoid_id=id_, comment=comment, tags=tags))
        except ApiProblem as refusal:
            return rx.toast.error(refusal.problem.detail)
        thanks = rx.toast.success("Thanks! Our overlords are taking notes.")
        return [tell("patch", str(id_), {"ask": False}), thanks]

    @rx.event
    def shared(self, how: str):
        """Say what became of a share; a native sheet speaks for itself."""
        if how == "copied":
            return rx.toast.success("Copied. Paste it to a friend.")
        if how == "failed":
            return rx.toast.error("Your browser did not allow copying. Open the fact to share it.")
        return None


EVENTS = CardEvents(vote=Votes.vote, shared=Votes.shared, copied=Votes.shared)


def _whole_card(card: Card, level: str = "p") -> rx.Component:
    return factoid_card(card, EVENTS, feedback_form(card.id, Votes.send_feedback), level=level)


@rx.memo
def list_card(card: rx.Var[Card]) -> rx.Component:
    """A card among others."""
    return _whole_card(value_of(card))


@rx.memo
def page_card(card: rx.Var[Card]) -> rx.Component:
    """The card a page is about: its text is the page's heading."""
    return _whole_card(value_of(card), level="h1")


def card_item(card: Card) -> rx.Component:
    return rx.el.li(list_card(card=card), key=card.id)
