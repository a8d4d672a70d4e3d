"""Events on their way to the product's webhook.

Source: https://docs.stripe.com/webhooks
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import httpx

from .account import Account, Object
from .signature import sign

Manner = Literal["held", "at once", "twice", "lost"]
"""What becomes of new events: kept until a test delivers them, delivered, delivered two times, or
never delivered at all."""

MANNERS: tuple[Manner, ...] = ("at once", "twice", "held", "lost")
NO_ANSWER = 0


@dataclass(frozen=True)
class Attempt:
    """One delivery of one event."""

    event_id: str
    type: str
    number: int
    """1 is the first try of a delivery, 2 its first repetition."""
    status: int
    """Of the answer, or 0 when there was none."""

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


class Deliveries:
    """Delivers events, repeats what was not taken, and remembers every attempt."""

    def __init__(
        self,
        account: Account,
        *,
        secrets: Sequence[str],
        manner: Manner,
        pauses_s: Sequence[float],
    ) -> None:
        self.url: str | None = None
        """The product's webhook; nothing is delivered while there is none."""
        self.client = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(30, pool=None))
        """What delivers. A test whose product runs in the same process puts its own client here."""
        self.secrets = [*secrets]
        """Of the webhook: several while one is changed for another."""
        self.manner: Manner = manner
        self.held: list[Object] = []
        """Events not delivered yet, oldest first."""
        self.attempts: list[Attempt] = []
        self._pauses_s = pauses_s
        self._under_way = set[asyncio.Task[object]]()
        self._account = account
        account.happened = self._new

    async def deliver(self, *events: Object, times: int = 1, together: bool = False) -> None:
        """Deliver these events in this order, or all that are held; each so many times.

        Returns when every one was taken, or given up. With `together` all are sent at once.
        """
        events = events or tuple(self.held)
        self._release(*events)
        rounds = [event for event in events for _ in range(times)]
        if together:
            await asyncio.gather(*map(self._until_taken, rounds))
        else:
            for event in rounds:
                await self._until_taken(event)

    def begin(self, event: Object) -> None:
        """Deliver an event without waiting for the end of it; `settled` waits."""
        self._release(event)
        task = asyncio.ensure_future(self._until_taken(event))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    def lose(self, *events: Object) -> None:
        """Never deliver these, or all that are held."""
        self._release(*(events or self.held))

    async def settled(self) -> None:
        """Until nothing is under way any more."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def post(self, body: bytes, signature: str | None) -> httpx.Response:
        """Bring any body to the webhook, signed or not: what somebody else might send it."""
        assert self.url, "The stand-in does not know the webhook."
        headers = {
            "content-type": "application/json; charset=utf-8",
            "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        if signature is not None:
            headers["stripe-signature"] = signature
        return await self.client.post(self.url, content=body, headers=headers)

    def forget(self, manner: Manner, secrets: Sequence[str]) -> None:
        """Begin anew: nothing is held, nothing was delivered, all is as it was at the start."""
        self.held.clear()
        self.attempts.clear()
        self.manner, self.secrets = manner, [*secrets]

    async def close(self) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self.client.aclose()

    def _release(self, *events: Object) -> None:
        ids = {event["id"] for event in events}
        self.held = [event for event in self.held if event["id"] not in ids]

    def _new(self, event: Object) -> None:
        if self.manner == "lost":
            return
        if self.manner == "held" or self.url is None:
            self.held.append(event)
            return
        for _ in range(2 if self.manner == "twice" else 1):
            self.begin(event)

    async def _until_taken(self, event: Object) -> None:
        for number, pause_s in enumerate((0, *self._pauses_s), 1):
            await asyncio.sleep(pause_s)
            attempt = await self._attempt(event, number)
            self.attempts.append(attempt)
            if attempt.taken:
                event["pending_webhooks"] = 0
                self._account.changed()
                return

    async def _attempt(self, event: Object, number: int) -> Attempt:
        body = body_of(event)
        try:
            answer = await self.post(body, sign(body, self.secrets))
            status = answer.status_code
        except httpx.TransportError:
            status = NO_ANSWER
        return Attempt(event["id"], event["type"], number, status)


def body_of(event: Object) -> bytes:
    """The bytes that are signed and sent: indented, as Stripe's are."""
    return json.dumps(event | {"pending_webhooks": 1}, indent=2, ensure_ascii=False).encode()
