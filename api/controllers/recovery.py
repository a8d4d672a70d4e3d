"""Endpoints for recovery links, which make another browser the same visitor."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.auth import Identity
from api.guards import visitors_only
from api.mappers.recovery import recovery_out, recovery_tokens
from api.schemas.recovery import RecoveredOut, RecoverIn, RecoveryOut
from domain.accounts.recovery import Recovery
from domain.caller import Caller
from settings import Settings


class RecoveryController(Controller):
    path = "/api/session"
    tags = ("Keys",)
    guards = (visitors_only,)

    @post("/recovery", operation_id="MakeRecoveryLink")
    async def make_link(
        self, caller: NamedDependency[Caller], settings: NamedDependency[Settings]
    ) -> RecoveryOut:
        """Get a link to be you on another device, with your credits, keys and votes."""
        assert caller.id is not None
        return recovery_out(caller.id, settings)

    @post("/recover", operation_id="Recover", status_code=200, opt={"refusals": [401, 409, 429]})
    async def recover(
        self,
        identity: NamedDependency[Identity],
        data: JSONBody[RecoverIn],
        caller: NamedDependency[Caller],
        recovery: NamedDependency[Recovery],
        settings: NamedDependency[Settings],
    ) -> RecoveredOut:
        """Become in this browser whom a recovery link names.

        If you have credits or keys here, 409 asks you first; with `replace` they stay with who you
        were, and the answer has a link back.
        """
        token = recovery_tokens(settings).read(data.token.encode())
        visitor_id = token[0] if token else None
        leaves = await recovery.admit(caller, visitor_id, replace=data.replace)
        identity.replacement = visitor_id
        return RecoveredOut(recovery_out(caller.id, settings) if leaves and caller.id else None)
