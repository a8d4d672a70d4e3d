"""What a process remembers of keys and of identities nobody is any more, so that a request asks
nobody.

Every two seconds it asks Postgres once what changed; so whatever was revoked is dead in every
process within that time. While Postgres is away nothing is forgotten, and a key is not believed.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.repositories.accounts import AccountReads, AccountRepository, KnownKey
from db.session import Database
from domain.accounts.keys import KeyTokens, id_in
from domain.errors import Unauthorized

LOOK_EVERY_S = 2.0
BELIEVED_S = 4.0
"""How long after the last look a key is believed without asking."""
OVERLAP = timedelta(minutes=1)
"""What changed is looked for this far back: a transaction commits after the moment it wrote."""
NOTE_EVERY_S = 60.0
KEYS_AT_MOST = 10_000

log = structlog.get_logger()


class KeyUnknown(Unauthorized):
    code = "key_unknown"


class KeyExpired(Unauthorized):
    code = "key_expired"


class KeyRevoked(Unauthorized):
    code = "key_revoked"


class Register:
    """Says whether an identity is dead and whose key this is. Before `open` nobody is known."""

    def __init__(self, *server_secrets: str) -> None:
        self._tokens = KeyTokens(*server_secrets)
        self._in_force = KeyTokens(server_secrets[0])
        self._over: set[int] = set()
        self._keys: dict[UUID, KnownKey] = {}
        self._used: dict[UUID, datetime] = {}
        self._resealed: dict[UUID, tuple[bytes, bytes]] = {}
        self._listeners: dict[UUID, set[asyncio.Future[None]]] = {}
        self._looked_at_s = float("-inf")
        self._since: datetime | None = None
        self._looking: asyncio.Task[None] | None = None

    async def open(self, database: Database) -> None:
        """Read who was signed out, and go on looking.

        Raises:
            asyncpg.PostgresError, OSError: Postgres is away: without it nobody can be let in.
        """
        self._database = database
        self._reads = AccountReads(database.reads)
        await self._look()
        self._looking = asyncio.create_task(self._run(), name="register")

    async def close(self) -> None:
        if self._looking:
            self._looking.cancel()
            await asyncio.wait({self._looking})
            await self._note()

    def is_over(self, caller_id: UUID) -> bool:
        """Whether nobody is this visitor, or has this key, any more."""
        return caller_id.int in self._over

    async def holder(self, token: str) -> KnownKey:
        """The key that this text is.

        Raises:
            KeyUnknown, KeyExpired, KeyRevoked: It opens nothing.
        """
        key_id = id_in(token)
        if key_id is None:
            raise KeyUnknown("This is not an API key of ours. Perhaps it was cut short.")
        key, now = await self._key(key_id), datetime.now(UTC)
        seals = [key.key_hash] if key else []
        if key and key.previous_key_hash and key.previous_key_expires_at:
            seals += [key.previous_key_hash] if key.previous_key_expires_at > now else []
        if not self._tokens.matches(token, seals) or not key:
            raise KeyUnknown("There is no such API key.")
        if key.revoked_at:
            raise KeyRevoked("This API key was revoked.")
        if key.expires_at and key.expires_at <= now:
            raise KeyExpired("This API key has expired. Make a new one.")
        self._used[key_id] = now
        self._keep_through_rotation(token, key_id, seals)
        return key

    def tell_when_over(self, caller_id: UUID) -> "asyncio.Future[None]":
        """Done as soon as this identity or key is revoked. To be handed back to `stop_telling`."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listeners.setdefault(caller_id, set()).add(over)
        if self.is_over(caller_id):
            over.set_result(None)
        return over

    def stop_telling(self, caller_id: UUID, over: "asyncio.Future[None]") -> None:
        listeners = self._listeners.get(caller_id, set())
        listeners.discard(over)
        if not listeners:
            self._listeners.pop(caller_id, None)

    def end(self, caller_id: UUID) -> None:
        """This identity or key opens nothing any more, here and now; other processes see it when
        they look.
        """
        if caller_id.int in self._over:
            return
        self._over.add(caller_id.int)
        self._keys.pop(caller_id, None)
        for over in self._listeners.get(caller_id, ()):
            if not over.done():
                over.set_result(None)

    def forget_key(self, key_id: UUID) -> None:
        """The key changed: it is read anew when it is next used."""
        self._keys.pop(key_id, None)

    async def _key(self, key_id: UUID) -> KnownKey | None:
        recent = asyncio.get_running_loop().time() - self._looked_at_s < BELIEVED_S
        if recent and (known := self._keys.get(key_id)):
            return known
        key = await self._reads.key(key_id)
        if key:
            if len(self._keys) >= KEYS_AT_MOST:
                self._keys.clear()
            self._keys[key_id] = key
        return key

    def _keep_through_rotation(self, token: str, key_id: UUID, seals: list[bytes]) -> None:
        """A seal made with the secret that is on its way out is made anew."""
        new = self._in_force.hash(token)
        if new not in seals:
            old = next(seal for seal in seals if self._tokens.matches(token, [seal]))
            self._resealed[key_id] = (old, new)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        note_at_s = loop.time() + NOTE_EVERY_S
        away = False
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look()
                if loop.time() >= note_at_s:
                    note_at_s = loop.time() + NOTE_EVERY_S
                    await self._note()
                away = False
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                if not away:
                    log.warning("register_not_read", error=type(error).__name__)
                away = True

    async def _look(self) -> None:
        asked_at_s = asyncio.get_running_loop().time()
        now, changed, over = await self._reads.changed(self._since)
        for key_id in changed:
            self.forget_key(key_id)
        for caller_id in over:
            self.end(caller_id)
        self._since, self._looked_at_s = now - OVERLAP, asked_at_s

    async def _note(self) -> None:
        """Write down which keys were used: once a minute, not at every request."""
        used, self._used = self._used, {}
        resealed, self._resealed = self._resealed, {}
        if not used:
            return
        try:
            async with self._database.sessions.begin() as session:
                accounts = AccountRepository(session)
                for key_id, (old, new) in sorted(resealed.items()):
                    await accounts.reseal(key_id, old, new)
                for key_id, used_at in sorted(used.items()):
                    await accounts.note_use(key_id, used_at)
        except (SQLAlchemyError, OSError) as error:
            log.warning("key_use_not_noted", error=type(error).__name__)
            self._used = used | self._used
            self._resealed = resealed | self._resealed
