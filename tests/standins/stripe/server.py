"""The stand-in as a whole: an account, its API, its deliveries and the hands that move it."""

import asyncio
from collections.abc import Sequence

from tests.standins.openrouter.gate import Changes, Gate
from tests.standins.openrouter.wire import Connection, ConnectionCut, Request

from .account import Account, Object
from .api import API
from .delivery import Deliveries, Manner
from .disputes import Disputes
from .faults import Faults
from .pages import Pages
from .payments import Payments
from .products import add_price
from .refunds import Refunds
from .routes import Routes
from .sessions import Sessions
from .till import Till

KEY = "sk_test_standin"
SECRET = "whsec_standin"


class StripeStandIn:
    """A Stripe account on loopback HTTP.

    What people and banks do is done by calling `till`, `refunds` and `disputes`; what becomes of
    the events by `deliveries`; what goes wrong with requests is lined up in `faults`.
    """

    def __init__(
        self,
        *,
        key: str = KEY,
        secrets: Sequence[str] = (SECRET,),
        manner: Manner = "held",
        pauses_s: Sequence[float] = (0.02, 0.1),
    ) -> None:
        self.key = key
        self._usual = manner, [*secrets]
        self.account = Account(livemode=key.startswith(("sk_live_", "rk_live_")))
        self.faults = Faults()
        self.deliveries = Deliveries(
            self.account, secrets=secrets, manner=manner, pauses_s=pauses_s
        )
        self._changes = Changes()
        self._gate = Gate(self._changes)
        payments = Payments(self.account)
        self.sessions = Sessions(self.account)
        self.till = Till(self.account, self.sessions, payments)
        self.refunds = Refunds(self.account, payments)
        self.disputes = Disputes(self.account, payments)
        routes = Routes(self.account, self.sessions, self.refunds)
        self._pages = Pages(
            self.account, self.sessions, self.till, self.refunds, self.disputes, self.deliveries
        )
        self._api = API(self.account, routes, key=key, faults=self.faults, gate=self._gate)
        self.asked = self._api.asked
        """Every API request so far, oldest first."""

    @property
    def base_url(self) -> str:
        """What the product calls Stripe's address."""
        return self.account.base_url

    def reset(self) -> None:
        """A new account; address, key, webhook and whoever delivers stay."""
        self.account.forget()
        self.refunds.slow = False
        self.faults.forget()
        self._gate.forget_passes()
        self._api.forget()
        self.deliveries.forget(*self._usual)

    def charge_of(self, session_id: str) -> Object:
        """The newest charge of a session that somebody has tried to pay."""
        session = self.sessions.get(session_id)
        intent = self.account.get("payment_intent", session["payment_intent"] or "none")
        return self.account.get("charge", intent["latest_charge"])

    def events(self, *types: str) -> list[Object]:
        """Events so far, oldest first, of these types or of all."""
        events = [*reversed(self.account.newest("event"))]
        return [event for event in events if not types or event["type"] in types]

    def add_price(
        self, id: str, *, unit_amount: int, currency: str, name: str, active: bool = True
    ) -> Object:
        """A price made beforehand, `unit_amount` in the currency's smallest unit."""
        return add_price(
            self.account,
            id=id,
            unit_amount=unit_amount,
            currency=currency,
            name=name,
            active=active,
        )

    def open(self) -> None:
        """Let go of the requests that wait at the gate, or of the next one to come."""
        self._gate.open()

    async def wait_at_gate(self, count: int = 1) -> None:
        """Until so many requests wait at the gate."""
        await asyncio.wait_for(self._changes.until(lambda: self._gate.waiting >= count), 30)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side closes it."""
        connection = Connection(reader, writer)
        try:
            while request := await connection.read_request():
                await self._answer(connection, request)
        except (ConnectionError, ConnectionCut):
            pass
        finally:
            connection.close()

    async def _answer(self, connection: Connection, request: Request) -> None:
        if request.path.startswith("/v1/"):
            await self._api.serve(connection, request)
        else:
            await self._pages.serve(connection, request)
