"""Links that make another browser the same visitor."""

import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.middleware.authentication import SCOPE, VISITORS_ONLY
from api.schemas.recovery import RecoveredOut, RecoverIn, RecoveryOut
from api.visitor_cookie import BECOMES, VisitorTokens
from domain.accounts.recovery import Recovery
from domain.caller import Caller
from domain.signing import RECOVERY
from settings import Settings

LIFE_S = 30 * 24 * 3_600


@post(
    "/api/session/recovery",
    operation_id="MakeRecoveryLink",
    tags=["Keys"],
    opt={SCOPE: VISITORS_ONLY},
)
async def make_recovery_link(
    caller: NamedDependency[Caller], settings: NamedDependency[Settings]
) -> RecoveryOut:
    """Get a link to be you on another device, with your credits, keys and votes."""
    assert caller.id is not None
    return recovery_out(caller.id, settings)


@post(
    "/api/session/recover",
    operation_id="Recover",
    tags=["Keys"],
    status_code=200,
    opt={SCOPE: VISITORS_ONLY, "refusals": [401, 409, 429]},
)
async def recover(
    request: Request[Any, Any, Any],
    data: JSONBody[RecoverIn],
    caller: NamedDependency[Caller],
    recovery: NamedDependency[Recovery],
    settings: NamedDependency[Settings],
) -> RecoveredOut:
    """Become in this browser whom a recovery link names.

    If you have credits or keys here, 409 asks you first; with `replace` they stay with who you
    were, and the answer has a link back.
    """
    found = recovery_tokens(settings).read(data.token.encode())
    identity = found[0] if found else None
    leaves = await recovery.admit(caller, identity, replace=data.replace)
    scope: Any = request.scope
    scope[BECOMES] = identity
    return RecoveredOut(recovery_out(caller.id, settings) if leaves and caller.id else None)


def recovery_tokens(settings: Settings) -> VisitorTokens:
    return VisitorTokens(*settings.server_secrets, purpose=RECOVERY, life_s=LIFE_S)


def recovery_out(visitor_id: UUID, settings: Settings) -> RecoveryOut:
    now_s = int(time.time())
    token = recovery_tokens(settings).write(visitor_id, now_s)
    return RecoveryOut(
        link=f"{settings.site_url}/recover#{token}",
        expires_at=datetime.fromtimestamp(now_s + LIFE_S, UTC),
    )
