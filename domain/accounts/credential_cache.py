"""Per-process cache of API keys and of signed-out visitors, so that authentication needs no query.

It is refreshed from Postgres every two seconds, so a revocation takes effect in every process
within that time. While Postgres is away, revocations stay known and cached keys expire: no key is
accepted that cannot be verified.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from db.repositories.accounts import AccountReads, KnownKey
from db.session import Database
from domain.accounts.key_usage import KeyUsageLog
from domain.accounts.keys import KeyTokens, id_in
from domain.accounts.revocations import Revocations
from domain.errors import Unauthorized

REFRESH_EVERY_S = 2.0
FRESH_FOR_S = 4.0
"""How long after the last refresh a cached key is accepted without a query."""
OVERLAP = timedelta(minutes=1)
"""Changes are read this far back, because a transaction commits later than its timestamps."""
SAVE_USAGE_EVERY_S = 60.0
KEYS_AT_MOST = 10_000

log = structlog.get_logger()


class KeyUnknown(Unauthorized):
    code = "key_unknown"


class KeyExpired(Unauthorized):
    code = "key_expired"


class KeyRevoked(Unauthorized):
    code = "key_revoked"


class CredentialCache:
    """Authenticates API keys and keeps `revocations` current. Nothing is valid before `start`."""

    def __init__(self, *secrets: str) -> None:
        """`secrets` are the server's, the one in force first."""
        self.revocations = Revocations()
        self._tokens = KeyTokens(*secrets)
        self._current_tokens = KeyTokens(secrets[0])
        self._keys: dict[UUID, KnownKey] = {}
        self._usage = KeyUsageLog()
        self._refreshed_at_s = float("-inf")
        self._since: datetime | None = None
        self._refreshing: asyncio.Task[None] | None = None

    async def start(self, database: Database) -> None:
        """Read all revocations, and refresh in the background from then on.

        Raises:
            asyncpg.PostgresError, OSError: Postgres is away, so that nobody can be authenticated.
        """
        self._database = database
        self._reads = AccountReads(database.reads)
        await self._refresh()
        self._refreshing = asyncio.create_task(self._run(), name="credential_cache")

    async def stop(self) -> None:
        if self._refreshing:
            self._refreshing.cancel()
            await asyncio.wait({self._refreshing})
            await self._usage.save(self._database)

    async def authenticate(self, token: str) -> KnownKey:
        """The API key that this text is.

        Raises:
            KeyUnknown, KeyExpired, KeyRevoked: It is not valid.
        """
        key_id = id_in(token)
        if key_id is None:
            raise KeyUnknown("This is not an API key of ours. Perhaps it was cut short.")
        key, now = await self._key(key_id), datetime.now(UTC)
        hashes = _valid_hashes(key, now) if key else []
        if not self._tokens.matches(token, hashes) or not key:
            raise KeyUnknown("There is no such API key.")
        if key.revoked_at or self.revocations.is_revoked(key_id):
            raise KeyRevoked("This API key was revoked.")
        if key.expires_at and key.expires_at <= now:
            raise KeyExpired("This API key has expired. Make a new one.")
        self._usage.record_use(key_id, now)
        self._rehash(token, key_id, hashes)
        return key

    def forget_key(self, key_id: UUID) -> None:
        """Read the key from Postgres when it is next used, because it changed."""
        self._keys.pop(key_id, None)

    async def _key(self, key_id: UUID) -> KnownKey | None:
        fresh = asyncio.get_running_loop().time() - self._refreshed_at_s < FRESH_FOR_S
        if fresh and (known := self._keys.get(key_id)):
            return known
        key = await self._reads.key(key_id)
        if key:
            if len(self._keys) >= KEYS_AT_MOST:
                self._keys.clear()
            self._keys[key_id] = key
        return key

    def _rehash(self, token: str, key_id: UUID, hashes: list[bytes]) -> None:
        """Replace a hash that was made with the previous server secret, so that the key outlives
        the rotation.
        """
        new = self._current_tokens.hash(token)
        if new not in hashes:
            old = next(stored for stored in hashes if self._tokens.matches(token, [stored]))
            self._usage.record_rehash(key_id, old, new)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        save_at_s = loop.time() + SAVE_USAGE_EVERY_S
        away = False
        while True:
            await asyncio.sleep(REFRESH_EVERY_S)
            try:
                await self._refresh()
                if loop.time() >= save_at_s:
                    save_at_s = loop.time() + SAVE_USAGE_EVERY_S
                    await self._usage.save(self._database)
                away = False
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                if not away:
                    log.warning("credentials_not_refreshed", error=type(error).__name__)
                away = True

    async def _refresh(self) -> None:
        started_at_s = asyncio.get_running_loop().time()
        now, changed, revoked = await self._reads.changed(self._since)
        for key_id in changed:
            self.forget_key(key_id)
        for caller_id in revoked:
            self.revocations.revoke(caller_id)
        self._since, self._refreshed_at_s = now - OVERLAP, started_at_s


def _valid_hashes(key: KnownKey, now: datetime) -> list[bytes]:
    """Of the current token and, for a day after it was rotated, of the previous one."""
    hashes = [key.key_hash]
    if key.previous_key_hash and key.previous_key_expires_at and key.previous_key_expires_at > now:
        hashes.append(key.previous_key_hash)
    return hashes
