"""The identities that signed out and the API keys that were revoked, as this process knows them."""

import asyncio
from uuid import UUID


class Revocations:
    """A set that only grows, with listeners for streams that must end."""

    def __init__(self) -> None:
        # As integers: a UUID's hash is computed in Python, and every request looks it up.
        self._revoked: set[int] = set()
        self._listeners: dict[UUID, set[asyncio.Future[None]]] = {}

    def is_revoked(self, caller_id: UUID) -> bool:
        return caller_id.int in self._revoked

    def revoke(self, caller_id: UUID) -> None:
        """Refuse this identity or key from now on, and notify its listeners. Permanent."""
        if caller_id.int in self._revoked:
            return
        self._revoked.add(caller_id.int)
        for revoked in self._listeners.get(caller_id, ()):
            if not revoked.done():
                revoked.set_result(None)

    def on_revoked(self, caller_id: UUID) -> "asyncio.Future[None]":
        """A future that is done once the caller is revoked. Release it with `stop_listening`."""
        revoked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._listeners.setdefault(caller_id, set()).add(revoked)
        if self.is_revoked(caller_id):
            revoked.set_result(None)
        return revoked

    def stop_listening(self, caller_id: UUID, revoked: "asyncio.Future[None]") -> None:
        listeners = self._listeners.get(caller_id, set())
        listeners.discard(revoked)
        if not listeners:
            self._listeners.pop(caller_id, None)
