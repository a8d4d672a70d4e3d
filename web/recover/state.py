"""The state of the recovery page. The secret in the link stays in the browser."""

from typing import Any

import reflex as rx

from web.client.api import ApiProblem
from web.client.payments import PaymentsClient
from web.ui.forms import fields_of, text_of

WOULD_LEAVE_BEHIND = "would_leave_behind"
"""The API's code for a refusal because the visitor was not warned of what stays behind."""
PENDING_STATUSES = {"open", "processing", "disputed"}
"""The statuses of payments that the API counts as left behind."""


class RecoverState(rx.State):
    """Shows what a browser leaves behind before it becomes another visitor."""

    ready: bool = False
    left_behind: str = ""
    """What stays with the browser's present visitor, as text."""
    working: bool = False
    refused: str = ""

    @rx.event
    async def load_recovery(self):
        """Load what this browser would leave behind."""
        self.refused, self.working = "", False
        await self._load()

    @rx.event
    def recovery_started(self):
        """Show that the browser is calling the API."""
        self.working, self.refused = True, ""

    @rx.event
    async def recovery_finished(self, result: Any):
        """Show why the recovery failed; after a success the browser itself goes on."""
        result = fields_of(result)
        self.working, self.refused = False, text_of(result.get("detail"))
        if result.get("code") == WOULD_LEAVE_BEHIND:
            await self._load()

    async def _load(self) -> None:
        api = PaymentsClient.for_visitor(self)
        try:
            credits, keys = await api.credits(), await api.keys()
            payments = await api.checkouts()
        except ApiProblem as refusal:
            self.refused = refusal.full_detail
        else:
            left = sum(balance.left + balance.held for balance in credits.balances)
            active_keys = sum(not key.revoked_at for key in keys)
            pending = sum(payment.status in PENDING_STATUSES for payment in payments)
            self.left_behind = " and ".join(
                f"{count} {noun}{'' if count == 1 else 's'}"
                for count, noun in (
                    (left, "credit"),
                    (active_keys, "API key"),
                    (pending, "undecided payment"),
                )
                if count
            )
        self.ready = True
