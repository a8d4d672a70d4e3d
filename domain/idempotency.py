"""A call that is made twice with one key happens once."""

import asyncio
import hmac
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256, shake_256
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import IdempotencyKey
from db.repositories.idempotency import IdempotencyRepository, Place
from domain.errors import Conflict, Invalid, Malformed

KEPT_S = 24 * 3_600
"""How long an answer is kept for repeats."""

HELD_S, RENEW_EVERY_S = 15.0, 5.0
"""Whoever answers a call renews its hold on it; one that died loses it after so long."""

AGAIN_AFTER_S = 1
KEY_LENGTH = 255

BARE = re.compile(r"[!#-\[\]-~]{1,255}")
QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,510})"')
"""A string of RFC 9651."""

SEAL_BYTES = 16


class InvalidKey(Malformed):
    code = "invalid_idempotency_key"


class StillRunning(Conflict):
    code = "idempotency_key_in_use"
    retry_after_s = AGAIN_AFTER_S


class KeyReused(Invalid):
    code = "idempotency_key_reused"


def read_key(written: str) -> str:
    """The key in an `Idempotency-Key` header, quoted as the draft has it or bare.

    Raises:
        InvalidKey: It is empty, too long or holds other signs.
    """
    written = written.strip()
    quoted = QUOTED.fullmatch(written)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else written
    if len(key) > KEY_LENGTH or not (quoted or BARE.fullmatch(written)):
        raise InvalidKey(
            f"An Idempotency-Key has 1 to {KEY_LENGTH} visible ASCII characters, in quotes or "
            'without; a new UUID for each new request is best: "8e03978e-40d5-43dd-bc93-6894a57f".',
            field="Idempotency-Key",
        )
    return key


@dataclass(frozen=True)
class Call:
    """Something asked under a key."""

    place: Place
    """Whose it is, what is done and the key: nobody else's call has the same."""
    fingerprint: bytes
    """Of all that was asked."""


@dataclass(frozen=True)
class Answer:
    """What a call was answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Attempt:
    """One of the times that something is tried which must happen once."""

    result_id: UUID
    """The id to give what is made: every attempt has the same, so that it is made once."""
    first: bool
    """Else an earlier one may have made it, and it must be looked for before all else."""


class Turn:
    """The right to answer a call, had by one at a time."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        call: Call,
        attempt: Attempt,
        holder: UUID,
        seal: "Seal",
    ) -> None:
        self._sessions, self._call, self._holder, self._seal = sessions, call, holder, seal
        self.attempt = attempt

    @asynccontextmanager
    async def kept(self, renew_every_s: float = RENEW_EVERY_S) -> AsyncGenerator[None]:
        """Nobody else has a turn meanwhile, unless this process dies or freezes."""
        keeping = asyncio.create_task(self._keep(renew_every_s))
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await keeping

    async def _keep(self, renew_every_s: float) -> None:
        while True:
            await asyncio.sleep(renew_every_s)
            await self._hold(HELD_S)

    async def end(self, answer: Answer) -> None:
        """Keep the answer for those who ask the same."""
        async with self._sessions() as session:
            await IdempotencyRepository(session).keep(
                self._call.place,
                self._holder,
                status=answer.status,
                headers=answer.headers,
                body=self._seal.close(self._holder, answer.body),
            )

    async def let_go(self) -> None:
        """Something may have been made: let the same be asked again and find it."""
        await self._hold(0)

    async def forget(self) -> None:
        """Nothing was made: let the key be used as if it were new."""
        async with self._sessions() as session:
            await IdempotencyRepository(session).forget(self._call.place, self._holder)

    async def _hold(self, held_s: float) -> None:
        async with self._sessions() as session:
            await IdempotencyRepository(session).hold(self._call.place, self._holder, held_s)


class Seal:
    """Keeps what is stored from whoever reads the database without knowing our secret.

    Each holder's name is used for one body, so the stream it is mixed with never repeats.
    """

    def __init__(self, secret: str, *earlier: str) -> None:
        secrets = (secret, *earlier)
        self._keys = [sha256(b"answers\0" + one.encode()).digest() for one in secrets]

    def close(self, holder: UUID, body: bytes) -> bytes:
        key = self._keys[0]
        return _mark(key, holder, body) + _mixed(key, holder, body)

    def open(self, holder: UUID, sealed: bytes) -> bytes | None:
        """The body, or None when none of the secrets sealed it."""
        for key in self._keys:
            body = _mixed(key, holder, sealed[SEAL_BYTES:])
            if hmac.compare_digest(_mark(key, holder, body), sealed[:SEAL_BYTES]):
                return body
        return None


def _mark(key: bytes, holder: UUID, body: bytes) -> bytes:
    return hmac.digest(key, b"mark" + holder.bytes + body, "sha256")[:SEAL_BYTES]


def _mixed(key: bytes, holder: UUID, body: bytes) -> bytes:
    stream = shake_256(key + b"stream" + holder.bytes).digest(len(body))
    return (int.from_bytes(body) ^ int.from_bytes(stream)).to_bytes(len(body))


class Repeats:
    """Calls under keys. Opens its own sessions, of single statements."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], secret: str, *earlier: str
    ) -> None:
        self._sessions = sessions
        self._seal = Seal(secret, *earlier)

    async def begin(self, call: Call) -> Turn | Answer:
        """A turn to answer the call, or the answer it was given before.

        Raises:
            KeyReused: Under this key something else was asked.
            StillRunning: Another has the turn.
        """
        holder, new_id = uuid4(), uuid7()
        async with self._sessions() as session:
            keys = IdempotencyRepository(session)
            result_id = await keys.take(
                call.place,
                fingerprint=call.fingerprint,
                result_id=new_id,
                holder=holder,
                held_s=HELD_S,
                kept_s=KEPT_S,
            )
            if result_id:
                attempt = Attempt(result_id, first=result_id == new_id)
                return Turn(self._sessions, call, attempt, holder, self._seal)
            there = await keys.get(call.place)
        if there and there.fingerprint != call.fingerprint:
            raise KeyReused(
                "This Idempotency-Key was used for another request. Use a new one for a new one.",
                field="Idempotency-Key",
            )
        if there is None or there.state == "running":
            raise StillRunning("The same request is being answered right now. Ask again shortly.")
        return self._stored(there)

    def _stored(self, there: IdempotencyKey) -> Answer:
        body = self._seal.open(there.locked_by, there.body or b"")
        if body is None:
            raise KeyReused(
                "What was answered under this Idempotency-Key can no longer be read. "
                "Look whether it was done, and use a new key.",
                field="Idempotency-Key",
            )
        headers = [(name, value) for name, value in there.headers or []]
        return Answer(there.status or 200, headers, body)
