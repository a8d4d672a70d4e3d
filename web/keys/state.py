"""The state of the page of API keys: creating, rotating and revoking them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import reflex as rx

from api.schemas.keys import FreeScope, KeyIn, KeyOut, NewKeyOut
from web.client.api import ApiClient, ApiProblem
from web.ui.client_store import dispatch
from web.ui.format import format_cost, format_date, format_datetime
from web.ui.forms import as_uuid, fields_of, idempotency_key_of, text_of
from web.ui.page_state import LoadedPage

SCOPES: dict[FreeScope, str] = {
    "read": "Read and search",
    "generate": "Ask for new facts",
    "vote": "Vote",
}
"""The scopes a visitor may give, with their labels."""
SCOPE_LABELS: dict[str, str] = {**SCOPES, "chat": "Chat", "admin": "Look after the site"}
EXPIRIES = {"30": "In 30 days", "90": "In 90 days", "365": "In a year"}
OLD_KEY_NOTICE = "The old one works for 24 hours more."
DEFAULT_EXPIRY = "365"


@dataclass
class KeyView:
    """A key as the list shows it."""

    id: str
    name: str
    masked: str
    """Its prefix and last four characters."""
    scopes: str
    created: str
    last_used: str
    last_used_at: str
    expires: str
    expired_reason: str
    """Why it no longer works; empty while it does."""
    generations: str
    spent: str
    budget_percent: str
    """The part of its daily budget that is spent, in percent."""


class KeysState(LoadedPage, rx.State):
    """The page of keys. A secret is never kept here: it is sent to the browser once."""

    rows: list[KeyView] = []
    making: bool = False
    refused: str = ""

    @rx.event
    async def load_keys(self):
        """Load the visitor's keys."""
        await self._load()

    @rx.event
    async def make_key(self, form: Any):
        """Create a key and show its secret once."""
        form = fields_of(form)
        if self.making:
            return
        self.making, self.refused = True, ""
        yield
        request = KeyIn(
            name=text_of(form.get("name")),
            scopes=[scope for scope in SCOPES if form.get(f"scope-{scope}")],
            expires_in_days=int(expiry_of(form.get("expires"))),
        )
        try:
            made = await ApiClient.for_visitor(self).make_key(request, key=idempotency_key_of(form))
        except ApiProblem as refusal:
            self.refused = refusal.full_detail
            if refusal.problem.status < 500:
                yield dispatch("answered")
        else:
            yield dispatch("showNewKey", new_key_view(made))
            await self._load()
        self.making = False

    @rx.event
    async def rotate_key(self, key_id: str):
        """Give a key a new secret; the old one keeps working for a while."""
        if (id_ := as_uuid(key_id)) is None:
            return
        try:
            made = await ApiClient.for_visitor(self).rotate_key(id_)
        except ApiProblem as refusal:
            yield rx.toast.error(refusal.full_detail)
        else:
            yield dispatch("showNewKey", new_key_view(made, old=OLD_KEY_NOTICE))
        await self._load()

    @rx.event
    async def revoke_key(self, key_id: str):
        """Revoke a key for good."""
        if (id_ := as_uuid(key_id)) is None:
            return
        try:
            await ApiClient.for_visitor(self).revoke_key(id_)
        except ApiProblem as refusal:
            yield rx.toast.error(refusal.full_detail)
        else:
            yield rx.toast.success("Revoked. What still uses it is turned away.")
        await self._load()

    @rx.event
    def sign_out_failed(self, reason: Any):
        """Show why signing out failed; after a success the browser leaves the page."""
        if isinstance(reason, str) and reason:
            return rx.toast.error(reason)
        return None

    async def _load(self) -> None:
        with self._loading():
            keys = await ApiClient.for_visitor(self).keys()
            self.rows = [to_key_view(key) for key in keys]


def new_key_view(made: NewKeyOut, old: str = "") -> dict[str, str]:
    """A new key as `new_key.js` shows it once."""
    return {
        "token": made.token,
        "name": made.name,
        "generates": "yes" if "generate" in made.scopes else "",
        "old": old,
    }


def to_key_view(key: KeyOut) -> KeyView:
    usage = key.usage
    return KeyView(
        id=str(key.id),
        name=key.name,
        masked=f"{key.prefix}…{key.last4}",
        scopes=", ".join(SCOPE_LABELS[scope].lower() for scope in key.scopes).capitalize(),
        created=format_date(key.created_at),
        last_used=format_datetime(key.last_used_at) if key.last_used_at else "",
        last_used_at=key.last_used_at.isoformat() if key.last_used_at else "",
        expires=format_date(key.expires_at) if key.expires_at else "never",
        expired_reason=expired_reason(key, datetime.now(UTC)),
        generations=f"New facts today: {usage.generations_today:,}",
        spent=f"Spent: {format_cost(usage.spent_today_usd)} of {format_cost(usage.budget_usd)}",
        budget_percent=percent_of(usage.spent_today_usd, usage.budget_usd),
    )


def expiry_of(value: Any) -> str:
    return value if isinstance(value, str) and value in EXPIRIES else DEFAULT_EXPIRY


def expired_reason(key: KeyOut, now: datetime) -> str:
    if key.revoked_at:
        return f"Revoked on {format_date(key.revoked_at)}"
    if key.expires_at and key.expires_at <= now:
        return f"Expired on {format_date(key.expires_at)}"
    return ""


def percent_of(spent: Decimal, budget: Decimal) -> str:
    """Percent of a budget; at least 1 when anything was spent."""
    if not budget:
        return "100"
    return str(min(100, max(1 if spent else 0, round(spent / budget * 100))))
