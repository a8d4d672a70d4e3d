"""Endpoints to manage the API keys of a visitor."""

from datetime import timedelta
from uuid import UUID

from litestar import Controller, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from api.guards import visitors_only
from api.mappers.keys import key_out, new_key_out
from api.middleware.idempotency import IDEMPOTENT
from api.schemas.keys import KeyIn, KeysOut, NewKeyOut
from domain.accounts.service import FREE_SCOPES, LIFETIME, Accounts
from domain.caller import Caller
from domain.idempotency import Attempt
from settings import Settings


class KeyController(Controller):
    path = "/api/keys"
    tags = ("Keys",)
    # A key must not create keys: a stolen one could outlive its own revocation.
    guards = (visitors_only,)

    @post(operation_id="MakeKey", opt={IDEMPOTENT: True})
    async def make(
        self,
        data: JSONBody[KeyIn],
        caller: NamedDependency[Caller],
        accounts: NamedDependency[Accounts],
        attempt: NamedDependency[Attempt],
    ) -> NewKeyOut:
        """Make an API key of your own; this answer alone shows its `token`."""
        days = data.expires_in_days
        lifetime = timedelta(days=days) if days else LIFETIME
        scopes = data.scopes or FREE_SCOPES
        new_key = await accounts.make_key(
            caller, data.name, scopes=scopes, life=lifetime, attempt=attempt
        )
        return new_key_out(new_key)

    @get(operation_id="ListKeys")
    async def list(
        self,
        caller: NamedDependency[Caller],
        accounts: NamedDependency[Accounts],
        settings: NamedDependency[Settings],
    ) -> KeysOut:
        """Your own keys with what they were used for today, the newest first."""
        keys = await accounts.list_keys(caller)
        return KeysOut([key_out(used, settings.budget_key_usd) for used in keys])

    @post("/{key_id:uuid}/rotate", operation_id="RotateKey")
    async def rotate(
        self,
        key_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        accounts: NamedDependency[Accounts],
    ) -> NewKeyOut:
        """Give a key of yours a new token; the old one works for 24 hours more."""
        return new_key_out(await accounts.rotate_key(caller, key_id))

    @delete("/{key_id:uuid}", operation_id="RevokeKey")
    async def revoke(
        self,
        key_id: FromPath[UUID],
        caller: NamedDependency[Caller],
        accounts: NamedDependency[Accounts],
    ) -> None:
        """Make a key of yours open nothing, everywhere within five seconds, for good."""
        await accounts.revoke_key(caller, key_id)
