"""Recovery: restoring an identity on another device with a link made on the first one."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from db.repositories.accounts import AccountRepository
from domain.caller import Caller
from domain.errors import Conflict, Unauthorized
from domain.limits.fallback import hit_with_fallback
from domain.limits.rate_limit import RateLimiter
from domain.spending.credits import has_credits


class LinkRefused(Unauthorized):
    """The response does not distinguish forged, truncated, expired and signed-out links."""

    code = "recovery_refused"


class WouldLeaveBehind(Conflict):
    code = "would_leave_behind"


class Recovery:
    """Decides whether a browser may take on an identity. Opens its own transactions."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], limiter: RateLimiter) -> None:
        self._sessions = sessions
        self._limiter = limiter

    async def admit(self, caller: Caller, identity: UUID | None, *, replace: bool) -> bool:
        """Let the caller take on the `identity` of their link, which is None if it is invalid.

        The caller's credits and keys stay with their present identity. They are never moved: a
        link sent by an attacker would steal them.

        Returns:
            Whether credits or keys are left behind.

        Raises:
            RateLimited: Too many attempts.
            LinkRefused: The link is invalid.
            WouldLeaveBehind: The caller has credits or keys, and `replace` is not set.
        """
        async with self._sessions.begin() as session:
            await hit_with_fallback(self._limiter, session, "recover", caller)
        async with self._sessions() as session:
            accounts = AccountRepository(session)
            if identity is None or await accounts.is_signed_out(identity):
                raise LinkRefused(
                    "This link leads nowhere: it was cut short, is older than 30 days, or you have"
                    " signed out since. Make a new one where you are still yourself."
                )
            if caller.id is None or identity == caller.id:
                return False
            keys = await accounts.count_live(caller.id)
            leaves = bool(keys) or await has_credits(session, caller.id)
        if leaves and not replace:
            raise WouldLeaveBehind(
                "This browser has credits or API keys of its own, which stay with who you are here."
                " Say that you want to go all the same, and you get a link back to them."
            )
        return leaves
