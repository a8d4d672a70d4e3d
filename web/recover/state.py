"""Becoming somebody with a recovery link. The link's secret stays in the browser."""

from typing import Any

import reflex as rx

from web.client.api import ApiProblem
from web.client.payments import payments_for
from web.keys.state import said
from web.ui.forms import fields_of, text_of

UNTOLD = "would_leave_behind"
"""The API's word for something that stays behind and was not told of."""
UNDECIDED = {"open", "processing", "disputed"}
"""The states of a payment that the API counts as something that stays behind."""


class Recover(rx.State):
    """Says what a browser leaves behind before it becomes somebody else."""

    ready: bool = False
    leaves: str = ""
    """What stays with who this browser is now, in words."""
    working: bool = False
    refused: str = ""

    @rx.event
    async def open(self):
        """Look what there is in this browser."""
        self.refused, self.working = "", False
        await self._look()
        self.ready = True

    @rx.event
    def begin(self):
        """The browser is about to ask."""
        self.working, self.refused = True, ""

    @rx.event
    async def answered(self, told: Any):
        """Say why not; who was let through has left the page, or has a link to save first."""
        told = fields_of(told)
        self.working, self.refused = False, text_of(told.get("detail"))
        if told.get("code") == UNTOLD:
            await self._look()

    async def _look(self) -> None:
        api = payments_for(self)
        try:
            credits, keys = await api.credits(), await api.keys()
            payments = await api.checkouts()
        except ApiProblem as refusal:
            self.refused = said(refusal)
            return
        left = sum(one.left + one.held for one in credits.balances)
        alive = sum(not key.revoked_at for key in keys)
        undecided = sum(one.status in UNDECIDED for one in payments)
        self.leaves = " and ".join(
            f"{count} {thing}{'' if count == 1 else 's'}"
            for count, thing in (
                (left, "credit"),
                (alive, "API key"),
                (undecided, "undecided payment"),
            )
            if count
        )
