"""What a person does by hand: the checkout page, and the staff's page of all payments."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from tests.standins.openrouter.wire import Connection, Request

from .account import Account
from .checkout_page import checkout_page
from .delivery import MANNERS, Deliveries, Manner
from .disputes import Disputes
from .errors import Refused
from .refunds import Refunds
from .sessions import PAGES, Sessions
from .staff_page import staff_page
from .till import Till

HTML = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
ENDS = {"pay", "pay_later", "use_code"}
"""What completes a session; a declined card leaves it open."""


_MANNERS: dict[str, Manner] = {manner: manner for manner in MANNERS}


class Pages:
    def __init__(
        self,
        account: Account,
        sessions: Sessions,
        till: Till,
        refunds: Refunds,
        disputes: Disputes,
        deliveries: Deliveries,
    ) -> None:
        self._account = account
        self._sessions = sessions
        self._till = till
        self._refunds = refunds
        self._deliveries = deliveries
        self._steps: dict[str, Callable[[str], object]] = {
            "expire": sessions.expire,
            "succeed": till.succeed,
            "fail": till.fail,
            "dispute": lambda id: disputes.open(account.get("charge", id)),
            "win": disputes.win,
            "lose": disputes.lose,
            "refund-succeeds": refunds.succeed,
            "refund-fails": refunds.fail,
            "deliver": self._deliver,
            "manner": self._set_manner,
        }

    async def serve(self, connection: Connection, request: Request) -> None:
        fields = dict(parse_qsl(request.body.decode(errors="replace")))
        try:
            match request.method, request.path.removeprefix(f"{PAGES}/").split("/"):
                case "GET", ["", ""]:
                    await self._show_staff(connection)
                case "POST", ["", "staff", step]:
                    await self._take_step(connection, step, fields)
                case "GET", [id]:
                    await self._show(connection, id)
                case "POST", [id]:
                    await self._buy(connection, id, fields.get("action", ""))
                case _:
                    raise Refused(404, "There is no such page.")
        except Refused as refused:
            await connection.answer(refused.status, HTML, self._refusal(str(refused)))

    async def _show_staff(self, connection: Connection) -> None:
        await connection.answer(200, HTML, staff_page(self._account, self._deliveries))

    async def _show(self, connection: Connection, id: str, problem: str | None = None) -> None:
        session = self._sessions.get(id)
        shown = checkout_page(session, self._account.line_items[id], problem)
        await connection.answer(402 if problem else 200, HTML, shown)

    async def _buy(self, connection: Connection, id: str, action: str) -> None:
        """Do what the person chose, and send them where Stripe's page would."""
        if action == "decline":
            self._till.decline(id)
            self._account.changed()
            await self._show(connection, id, "Your card was declined. Try another.")
            return
        if action not in ENDS:
            raise Refused(400, "There is no such button.")
        session = getattr(self._till, action)(id)
        self._account.changed()
        # Stripe fills the id in wherever the address asks for it.
        there = session["success_url"].replace("{CHECKOUT_SESSION_ID}", id)
        await connection.answer(303, {"location": there}, b"")

    async def _take_step(self, connection: Connection, step: str, fields: dict[str, str]) -> None:
        id = fields.get("id", "")
        if step == "refund":
            self._refund(id, fields)
        elif step in self._steps:
            self._steps[step](id)
        else:
            raise Refused(404, "There is no such step.")
        self._account.changed()
        await connection.answer(303, {"location": "/"}, b"")

    def _refund(self, charge_id: str, fields: dict[str, str]) -> None:
        amount = fields.get("amount", "")
        if amount and not amount.isdecimal():
            raise Refused(400, "The amount must be a whole number of the smallest unit.")
        usual, self._refunds.slow = self._refunds.slow, "slow" in fields
        try:
            charge = self._account.get("charge", charge_id)
            self._refunds.refund(charge, int(amount) if amount else None)
        finally:
            self._refunds.slow = usual

    def _deliver(self, event_id: str) -> None:
        self._deliveries.begin(self._account.get("event", event_id))

    def _set_manner(self, manner: str) -> None:
        if manner not in _MANNERS:
            raise Refused(400, "Events cannot be delivered in that way.")
        self._deliveries.manner = _MANNERS[manner]

    def _refusal(self, sentence: str) -> bytes:
        return staff_page(self._account, self._deliveries, sentence)
