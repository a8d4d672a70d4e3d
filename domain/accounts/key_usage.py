"""Buffers what the use of API keys changes, to write it in batches instead of at every request."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from db.repositories.accounts import AccountRepository
from db.session import Database

log = structlog.get_logger()


class KeyUsageLog:
    """When keys were last used, and their new hashes while a server secret is being rotated."""

    def __init__(self) -> None:
        self._used: dict[UUID, datetime] = {}
        self._rehashed: dict[UUID, tuple[bytes, bytes]] = {}

    def record_use(self, key_id: UUID, used_at: datetime) -> None:
        self._used[key_id] = used_at

    def record_rehash(self, key_id: UUID, old: bytes, new: bytes) -> None:
        """The stored hash was made with the previous secret; `new` is made with the current."""
        self._rehashed[key_id] = (old, new)

    async def save(self, database: Database) -> None:
        """Write the buffer to Postgres; if that fails, it is kept for the next time."""
        used, self._used = self._used, {}
        rehashed, self._rehashed = self._rehashed, {}
        if not used:
            return
        try:
            async with database.sessions.begin() as session:
                accounts = AccountRepository(session)
                for key_id, (old, new) in sorted(rehashed.items()):
                    await accounts.replace_hash(key_id, old, new)
                for key_id, used_at in sorted(used.items()):
                    await accounts.record_use(key_id, used_at)
        except (SQLAlchemyError, OSError) as error:
            log.warning("key_usage_not_saved", error=type(error).__name__)
            self._used = used | self._used
            self._rehashed = rehashed | self._rehashed
