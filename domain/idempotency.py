"""Idempotency keys: a request that is repeated under one key is carried out once."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from cryptography.fernet import InvalidToken, MultiFernet
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import IdempotencyKey
from db.repositories.idempotency import IdempotencyRepository, KeyRef
from domain.errors import Conflict, Invalid, Malformed
from domain.signing import IDEMPOTENCY, cipher

KEPT_S = 24 * 3_600
"""How long a response is stored for repeats."""

LOCK_S, RENEW_EVERY_S = 15.0, 5.0
"""A lock is renewed while its request is handled; that of a process that died expires."""

RETRY_AFTER_S = 1
KEY_LENGTH = 255

BARE = re.compile(r"[!#-\[\]-~]{1,255}")
QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\]){1,510})"')
"""A string of RFC 9651."""


class InvalidIdempotencyKey(Malformed):
    code = "invalid_idempotency_key"


class KeyInUse(Conflict):
    code = "idempotency_key_in_use"
    retry_after_s = RETRY_AFTER_S


class KeyReused(Invalid):
    code = "idempotency_key_reused"


def read_key(written: str) -> str:
    """The key in an `Idempotency-Key` header, quoted as in the IETF draft, or bare.

    Raises:
        InvalidIdempotencyKey: It is empty, too long or holds other characters.
    """
    written = written.strip()
    quoted = QUOTED.fullmatch(written)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else written
    if len(key) > KEY_LENGTH or not (quoted or BARE.fullmatch(written)):
        raise InvalidIdempotencyKey(
            f"An Idempotency-Key has 1 to {KEY_LENGTH} visible ASCII characters, in quotes or "
            'without; a new UUID for each new request is best: "8e03978e-40d5-43dd-bc93-6894a57f".',
            field="Idempotency-Key",
        )
    return key


@dataclass(frozen=True)
class KeyedRequest:
    """A request that carries an idempotency key."""

    ref: KeyRef
    fingerprint: bytes
    """SHA-256 of everything that was asked for."""


@dataclass(frozen=True)
class StoredResponse:
    """The response to the first request under a key."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Attempt:
    """One of several attempts at something that must be done once."""

    result_id: UUID
    """The id of what is created, the same in every attempt, so that it is created once."""
    first: bool
    """When False, an earlier attempt may have created it: it must be looked up first."""


class IdempotencyLock:
    """The exclusive right to handle a request; one process holds it at a time."""

    def __init__(
        self,
        sessions: async_sessionmaker[AsyncSession],
        ref: KeyRef,
        attempt: Attempt,
        owner: UUID,
        cipher: MultiFernet,
    ) -> None:
        self._sessions, self._ref, self._owner, self._cipher = sessions, ref, owner, cipher
        self.attempt = attempt

    @asynccontextmanager
    async def renewed(self, renew_every_s: float = RENEW_EVERY_S) -> AsyncGenerator[None]:
        """Renew the lock in the background. It is lost only if this process dies or freezes."""
        renewing = asyncio.create_task(self._renew(renew_every_s))
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await renewing

    async def _renew(self, renew_every_s: float) -> None:
        while True:
            await asyncio.sleep(renew_every_s)
            await self._extend(LOCK_S)

    async def complete(self, response: StoredResponse) -> None:
        """Store the response for repeats of the request.

        It is encrypted, because it may hold a secret that is shown only once, and bound to this
        lock, so that it cannot be moved to another row.
        """
        async with self._sessions() as session:
            await IdempotencyRepository(session).store(
                self._ref,
                self._owner,
                status=response.status,
                headers=response.headers,
                body=self._cipher.encrypt(self._owner.bytes + response.body),
            )

    async def release(self) -> None:
        """Something may have been created: a repeat may run at once and will look for it."""
        await self._extend(0)

    async def discard(self) -> None:
        """Nothing was created: the key can be used as if it were new."""
        async with self._sessions() as session:
            await IdempotencyRepository(session).delete(self._ref, self._owner)

    async def _extend(self, lock_s: float) -> None:
        async with self._sessions() as session:
            await IdempotencyRepository(session).extend_lock(self._ref, self._owner, lock_s)


class IdempotencyService:
    """Requests under keys. Opens its own sessions, each for a single statement."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], *secrets: str) -> None:
        """`secrets` are the server's, the one in force first."""
        self._sessions = sessions
        self._cipher = cipher(IDEMPOTENCY, secrets)

    async def acquire(self, request: KeyedRequest) -> IdempotencyLock | StoredResponse:
        """Lock the request for handling, or return the response it was given before.

        Raises:
            KeyReused: The key was used for another request.
            KeyInUse: The request is being handled elsewhere.
        """
        owner, new_id = uuid4(), uuid7()
        async with self._sessions() as session:
            keys = IdempotencyRepository(session)
            result_id = await keys.acquire(
                request.ref,
                fingerprint=request.fingerprint,
                result_id=new_id,
                holder=owner,
                held_s=LOCK_S,
                kept_s=KEPT_S,
            )
            if result_id:
                attempt = Attempt(result_id, first=result_id == new_id)
                return IdempotencyLock(self._sessions, request.ref, attempt, owner, self._cipher)
            stored = await keys.get(request.ref)
        if stored and stored.fingerprint != request.fingerprint:
            raise KeyReused(
                "This Idempotency-Key was used for another request. Use a new one for a new one.",
                field="Idempotency-Key",
            )
        if stored is None or stored.state == "running":
            raise KeyInUse("The same request is being answered right now. Ask again shortly.")
        return self._response(stored)

    def _response(self, stored: IdempotencyKey) -> StoredResponse:
        try:
            decrypted = self._cipher.decrypt(stored.body or b"")
        except InvalidToken:
            decrypted = b""
        owner, body = decrypted[:16], decrypted[16:]
        if owner != stored.locked_by.bytes:
            raise KeyReused(
                "What was answered under this Idempotency-Key can no longer be read. "
                "Look whether it was done, and use a new key.",
                field="Idempotency-Key",
            )
        headers = [(name, value) for name, value in stored.headers or []]
        return StoredResponse(stored.status or 200, headers, body)
