"""API keys and signing out: who may create, list, rotate and revoke keys."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from uuid_utils.compat import uuid7

from db.models import ApiKey
from db.repositories.accounts import AccountRepository, KeyUsage
from domain.accounts.credential_cache import CredentialCache
from domain.accounts.keys import KeyTokens, Scope
from domain.caller import Caller
from domain.errors import Conflict, Invalid, NotFound, RateLimited, Unauthorized
from domain.idempotency import Attempt
from domain.spending.credits import has_credits, transfer_purchases
from domain.text import clean

FREE_SCOPES: tuple[Scope, ...] = ("read", "generate", "vote", "chat")
"""The scopes a visitor's own key may have."""
NAME_LENGTH = 80
KEYS_AT_MOST = 5
KEYS_PER_NETWORK = 20
SIGN_OUTS_PER_NETWORK = 100
DAY = timedelta(days=1)
LIFETIME = timedelta(days=365)
ROTATION_OVERLAP = timedelta(hours=24)
"""How long a rotated key's previous token stays valid."""

LISTED_AT_MOST = 50


class KeyNotFound(NotFound):
    code = "key_not_found"


class KeyIsRevoked(Conflict):
    code = "key_is_revoked"


class TooManyKeys(Conflict):
    code = "too_many_keys"


class TooManyNewKeys(RateLimited):
    code = "key_limit"


class TooManySignOuts(RateLimited):
    code = "sign_out_limit"


class CreditsLeft(Conflict):
    code = "credits_left"


class AlreadySignedOut(Unauthorized):
    code = "signed_out"


@dataclass(frozen=True)
class NewKey:
    """A key and its token, which is shown this once."""

    key: ApiKey
    token: str


@dataclass(frozen=True)
class UsedKey:
    """A key and its use since midnight, UTC."""

    key: ApiKey
    today: KeyUsage


class Accounts:
    """Opens its own transactions, and updates this process' credential cache after them."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], credentials: CredentialCache, secret: str
    ) -> None:
        self._sessions = sessions
        self._credentials = credentials
        self._tokens = KeyTokens(secret)

    async def make_key(
        self,
        caller: Caller,
        name: str,
        *,
        scopes: Sequence[Scope] = FREE_SCOPES,
        life: timedelta = LIFETIME,
        rate_limit: str | None = None,
        budget_usd: Decimal | None = None,
        attempt: Attempt | None = None,
    ) -> NewKey:
        """Create a key; a visitor's has the limits of the free tier.

        A repeated `attempt` rotates the key that an earlier one created, because its token was
        never shown.

        Raises:
            Invalid: The name is empty or too long, or no scope is given.
            TooManyKeys, TooManyNewKeys: The visitor has too many, or the network created too many
                today.
            AlreadySignedOut: The visitor has signed out meanwhile.
        """
        named = clean(name)
        if not named:
            raise Invalid("Give the key a name, to know it again.", field="/name")
        if len(named) > NAME_LENGTH:
            raise Invalid(f"A name has at most {NAME_LENGTH} characters.", field="/name")
        if not scopes:
            raise Invalid("A key without a scope opens nothing.", field="/scopes")
        attempt = attempt or Attempt(uuid7(), first=True)
        if not attempt.first:
            with suppress(KeyNotFound):
                return await self.rotate_key(caller, attempt.result_id)
        key_id = attempt.result_id
        token = self._tokens.make(key_id)
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            await self._check_quota(accounts, caller)
            key = await accounts.add(
                ApiKey(
                    id=key_id,
                    owner_id=caller.id,
                    network=caller.network,
                    name=named,
                    scopes=sorted(set(scopes)),
                    last4=token[-4:],
                    key_hash=self._tokens.hash(token),
                    rate_limit=rate_limit,
                    budget_usd=budget_usd,
                    expires_at=await accounts.now() + life,
                )
            )
        return NewKey(key, token)

    async def list_keys(self, caller: Caller) -> list[UsedKey]:
        """The caller's keys, or everybody's for staff; newest first."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._sessions() as session:
            accounts = AccountRepository(session)
            if caller.kind == "staff":
                keys = await accounts.newest(LISTED_AT_MOST)
            else:
                keys = await accounts.of_owner(caller.id, LISTED_AT_MOST) if caller.id else []
            usage = await accounts.usage([key.id for key in keys], midnight)
        return [UsedKey(key, usage.get(key.id, KeyUsage())) for key in keys]

    async def rotate_key(self, caller: Caller, key_id: UUID) -> NewKey:
        """Give a key a new token and a new lifetime; the old token works for another day.

        Raises:
            KeyNotFound: There is none, or it belongs to another owner.
            KeyIsRevoked: It was revoked.
        """
        token = self._tokens.make(key_id)
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            key, now = await self._own(accounts, caller, key_id), await accounts.now()
            if key.revoked_at:
                raise KeyIsRevoked("This key was revoked. Make a new one.")
            until = now + ROTATION_OVERLAP
            if key.expires_at:
                until = min(until, key.expires_at)
                key.expires_at = now + (key.expires_at - (key.rotated_at or key.created_at))
            key.previous_key_hash, key.previous_key_expires_at = key.key_hash, until
            key.rotated_at = now
            key.key_hash, key.last4, key.changed_at = self._tokens.hash(token), token[-4:], now
        self._credentials.forget_key(key_id)
        return NewKey(key, token)

    async def raise_key(
        self, caller: Caller, key_id: UUID, *, rate_limit: str | None, budget_usd: Decimal | None
    ) -> ApiKey:
        """Give a key its own limits and budget; None leaves them unchanged.

        Raises:
            KeyNotFound: There is none, or the caller is not staff.
        """
        if caller.kind != "staff":
            raise KeyNotFound("There is no such key of yours.")
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            key = await self._own(accounts, caller, key_id)
            key.rate_limit = rate_limit if rate_limit is not None else key.rate_limit
            key.budget_usd = budget_usd if budget_usd is not None else key.budget_usd
            key.changed_at = await accounts.now()
        self._credentials.forget_key(key_id)
        return key

    async def revoke_key(self, caller: Caller, key_id: UUID) -> None:
        """Revoke a key permanently. Idempotent.

        Raises:
            KeyNotFound: There is none, or it belongs to another owner.
        """
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            key = await self._own(accounts, caller, key_id)
            now = await accounts.now()
            key.revoked_at, key.changed_at = key.revoked_at or now, now
        self._credentials.revocations.revoke(key_id)

    async def sign_out(
        self,
        caller: Caller,
        *,
        successor: UUID | None = None,
        lose_credits: bool = False,
        again: bool = False,
    ) -> None:
        """Invalidate this visitor's identity on every device and revoke their keys. What they
        bought passes to the `successor`.

        Raises:
            AlreadySignedOut: They signed out before (`again`, or just now), with another successor.
            CreditsLeft: They have credits, no successor is given, and `lose_credits` is not set.
            TooManySignOuts: Too many sign-outs from their network within a day.
        """
        if caller.id is None:
            return
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            await accounts.lock_creation(caller.id, caller.network)
            if caller.network:
                now = await accounts.now()
                times = await accounts.signed_out_from(caller.network, now - DAY)
                _refuse_more_than(SIGN_OUTS_PER_NETWORK, times, now, TooManySignOuts)
            if successor and (again or await accounts.is_signed_out(caller.id)):
                raise AlreadySignedOut("You have signed out. Load the page again.")
            if successor:
                await transfer_purchases(session, caller.id, to=successor)
            elif not lose_credits and await has_credits(session, caller.id):
                raise CreditsLeft(
                    "You have credits, or are buying some, which would be lost. Sign out with"
                    " “keep_credits”, and they go with you."
                )
            await accounts.sign_out(caller.id, caller.network)
            revoked = await accounts.revoke_of_owner(caller.id)
        for caller_id in (caller.id, *revoked):
            self._credentials.revocations.revoke(caller_id)

    async def delete_expired_sign_outs(self) -> int:
        """Delete the identities whose last cookie has expired; returns how many."""
        async with self._sessions.begin() as session:
            return await AccountRepository(session).delete_expired_sign_outs(LIFETIME + DAY)

    async def _own(self, accounts: AccountRepository, caller: Caller, key_id: UUID) -> ApiKey:
        key = await accounts.get_locked(key_id)
        if key is None or (caller.kind != "staff" and key.owner_id != caller.id):
            raise KeyNotFound("There is no such key of yours.")
        return key

    async def _check_quota(self, accounts: AccountRepository, caller: Caller) -> None:
        """Counted under locks on the owner and the network, so that concurrent calls wait."""
        if caller.kind == "staff" or caller.id is None:
            return
        await accounts.lock_creation(caller.id, caller.network)
        if await accounts.is_signed_out(caller.id):
            raise AlreadySignedOut("You have signed out. Load the page again.")
        if await accounts.count_live(caller.id) >= KEYS_AT_MOST:
            raise TooManyKeys(f"You have {KEYS_AT_MOST} keys already. Revoke one to make another.")
        if caller.network:
            now = await accounts.now()
            times = await accounts.made_from(caller.network, now - DAY)
            _refuse_more_than(KEYS_PER_NETWORK, times, now, TooManyNewKeys)


def _refuse_more_than(
    limit: int, times: Sequence[datetime], now: datetime, refusal: type[RateLimited]
) -> None:
    if len(times) >= limit:
        wait = times[-limit] + DAY - now
        raise refusal(
            "That was done very often from where you are. There is room for more later.",
            retry_after_s=max(1, int(wait.total_seconds()) + 1),
        )
