"""The visitor's API keys: making, changing and ending them; the API decides what may be."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import reflex as rx

from api.schemas.keys import FreeScope, KeyIn, KeyOut, NewKeyOut
from web.client.api import ApiProblem
from web.client.session import api_for
from web.factoid.card import exact, money
from web.factoid.votes import as_uuid
from web.ui.client_store import tell
from web.ui.forms import press_of, text_of

SCOPES: dict[FreeScope, str] = {
    "read": "Read and search",
    "generate": "Ask for new facts",
    "vote": "Vote",
}
"""The scopes a visitor may give, in the words of the page."""
SCOPE_WORDS: dict[str, str] = {**SCOPES, "chat": "Chat", "admin": "Look after the site"}
EXPIRIES = {"30": "In 30 days", "90": "In 90 days", "365": "In a year"}
OLD_WORKS_ON = "The old one works for 24 hours more."
USUAL_EXPIRY = "365"


@dataclass
class KeyRow:
    """A key as the list shows it, in words."""

    id: str
    name: str
    shown: str
    """What may be seen of it: its first and last letters."""
    scopes: str
    created: str
    last_used: str
    last_used_at: str
    expires: str
    over: str
    """Why it no longer works; empty while it does."""
    generations: str
    spent: str
    share: str
    """Of its budget for the day, in percent."""


class Keys(rx.State):
    """The page about keys. A key's secret never rests here: it goes to the browser once."""

    rows: list[KeyRow] = []
    ready: bool = False
    problem: str = ""
    making: bool = False
    refused: str = ""

    @rx.event
    async def open(self):
        """Show the keys there are."""
        await self._read()
        self.ready = True

    @rx.event
    async def make(self, form: Any):
        """Make a key and show it, this once."""
        form = form if isinstance(form, dict) else {}
        if self.making:
            return
        self.making, self.refused = True, ""
        yield
        wish = KeyIn(
            name=text_of(form.get("name")),
            scopes=[scope for scope in SCOPES if form.get(f"scope-{scope}")],
            expires_in_days=int(days_of(form.get("expires"))),
        )
        try:
            made = await api_for(self).make_key(wish, press=press_of(form))
        except ApiProblem as refusal:
            self.refused = said(refusal)
            if refusal.problem.status < 500:
                yield tell("answered")
        else:
            yield tell("newKey", shown_once(made))
            await self._read()
        self.making = False

    @rx.event
    async def rotate(self, key_id: str):
        """Give a key a new secret; the old one works a while longer."""
        if (id_ := as_uuid(key_id)) is None:
            return
        try:
            made = await api_for(self).rotate_key(id_)
        except ApiProblem as refusal:
            yield rx.toast.error(said(refusal))
        else:
            yield tell("newKey", shown_once(made, old=OLD_WORKS_ON))
        await self._read()

    @rx.event
    async def revoke(self, key_id: str):
        """End a key, everywhere and for good."""
        if (id_ := as_uuid(key_id)) is None:
            return
        try:
            await api_for(self).revoke_key(id_)
        except ApiProblem as refusal:
            yield rx.toast.error(said(refusal))
        else:
            yield rx.toast.success("Revoked. What still uses it is turned away.")
        await self._read()

    @rx.event
    def not_signed_out(self, why: Any):
        """Say why it failed. Who is signed out has left the page."""
        if isinstance(why, str) and why:
            return rx.toast.error(why)
        return None

    async def _read(self) -> None:
        try:
            keys = await api_for(self).keys()
        except ApiProblem as refusal:
            self.problem = said(refusal)
            return
        self.problem, self.rows = "", [to_row(key) for key in keys]


def said(refusal: ApiProblem) -> str:
    problem = refusal.problem
    return " ".join(
        [problem.detail, *(e.detail for e in problem.errors if e.detail not in problem.detail)]
    )


def shown_once(made: NewKeyOut, old: str = "") -> dict[str, str]:
    """What the browser shows of a new key, and forgets."""
    return {
        "token": made.token,
        "name": made.name,
        "asks": "generate" if "generate" in made.scopes else "",
        "old": old,
    }


def to_row(key: KeyOut) -> KeyRow:
    usage = key.usage
    return KeyRow(
        id=str(key.id),
        name=key.name,
        shown=f"{key.prefix}…{key.last4}",
        scopes=", ".join(SCOPE_WORDS[scope].lower() for scope in key.scopes).capitalize(),
        created=day(key.created_at),
        last_used=exact(key.last_used_at.astimezone(UTC)) if key.last_used_at else "",
        last_used_at=key.last_used_at.isoformat() if key.last_used_at else "",
        expires=day(key.expires_at) if key.expires_at else "never",
        over=over(key, datetime.now(UTC)),
        generations=f"New facts today: {usage.generations_today:,}",
        spent=f"Spent: {money(usage.spent_today_usd)} of {money(usage.budget_usd)}",
        share=share(usage.spent_today_usd, usage.budget_usd),
    )


def days_of(given: Any) -> str:
    return given if isinstance(given, str) and given in EXPIRIES else USUAL_EXPIRY


def over(key: KeyOut, now: datetime) -> str:
    if key.revoked_at:
        return f"Revoked on {day(key.revoked_at)}"
    if key.expires_at and key.expires_at <= now:
        return f"Expired on {day(key.expires_at)}"
    return ""


def day(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at.day} {at:%B %Y}"


def share(spent: Decimal, budget: Decimal) -> str:
    """Percent of a budget, and something to be seen when anything was spent."""
    if not budget:
        return "100"
    return str(min(100, max(1 if spent else 0, round(spent / budget * 100))))
