"""API keys and signed-out visitors: who may make, see, rotate and revoke them."""

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
"""What a visitor may give to a key of theirs."""
NAME_LENGTH = 80
LIVE_KEYS = 5
KEYS_PER_NETWORK = 20
SIGN_OUTS_PER_NETWORK = 100
DAY = timedelta(days=1)
LIFE = timedelta(days=365)
OLD_SECRET_WORKS = timedelta(hours=24)
SHOWN = 50


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


class NobodyAnyMore(Unauthorized):
    code = "signed_out"


@dataclass(frozen=True)
class NewKey:
    """A key and, this once, how it is spelt."""

    key: ApiKey
    token: str


@dataclass(frozen=True)
class UsedKey:
    """A key and what it was used for since midnight, UTC."""

    key: ApiKey
    today: KeyUsage


class Accounts:
    """Keys and identities. Opens its own transactions, and tells this process after them."""

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
        life: timedelta = LIFE,
        rate_limit: str | None = None,
        budget_usd: Decimal | None = None,
        attempt: Attempt | None = None,
    ) -> NewKey:
        """Make a key; a visitor's has the limits of the free tier.

        Another `attempt` at it gives the key that an earlier one made a new secret, for nobody
        has seen the old one.

        Raises:
            Invalid: The name is empty or too long, or no scope is given.
            TooManyKeys, TooManyNewKeys: The visitor has enough, or the network made enough today.
            NobodyAnyMore: The visitor signed out meanwhile.
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
            await self._hold_back(accounts, caller)
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

    async def keys(self, caller: Caller) -> list[UsedKey]:
        """The caller's own keys, all of them for staff; the newest first."""
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._sessions() as session:
            accounts = AccountRepository(session)
            if caller.kind == "staff":
                keys = await accounts.newest(SHOWN)
            else:
                keys = await accounts.of_owner(caller.id, SHOWN) if caller.id else []
            usage = await accounts.usage([key.id for key in keys], midnight)
        return [UsedKey(key, usage.get(key.id, KeyUsage())) for key in keys]

    async def rotate_key(self, caller: Caller, key_id: UUID) -> NewKey:
        """Give a key a new secret and a new life; the old secret works for a day more.

        Raises:
            KeyNotFound: There is none, or it is somebody else's.
            KeyIsRevoked: It was revoked, for good.
        """
        token = self._tokens.make(key_id)
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            key, now = await self._own(accounts, caller, key_id), await accounts.now()
            if key.revoked_at:
                raise KeyIsRevoked("This key was revoked. Make a new one.")
            until = now + OLD_SECRET_WORKS
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
        """Give a key limits and a budget of its own; None leaves what it has.

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
        """Make a key open nothing, for good; again is harmless.

        Raises:
            KeyNotFound: There is none, or it is somebody else's.
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
        """Make nobody this visitor any more, on any device; their keys are revoked. What they
        bought is the `successor`'s from then on.

        Raises:
            NobodyAnyMore: They did so before (`again`, or just now), and another is the successor.
            CreditsLeft: They have credits, which have no successor, and are not to be lost.
            TooManySignOuts: Their network did so too often within a day.
        """
        if caller.id is None:
            return
        async with self._sessions.begin() as session:
            accounts = AccountRepository(session)
            await accounts.wait_for(caller.id, caller.network)
            if caller.network:
                now = await accounts.now()
                times = await accounts.signed_out_from(caller.network, now - DAY)
                _refuse_more_than(SIGN_OUTS_PER_NETWORK, times, now, TooManySignOuts)
            if successor and (again or await accounts.is_signed_out(caller.id)):
                raise NobodyAnyMore("You have signed out. Load the page again.")
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

    async def forget_signed_out(self) -> int:
        """Drop the identities whose last cookie has expired meanwhile; how many they were."""
        async with self._sessions.begin() as session:
            return await AccountRepository(session).forget_signed_out(LIFE + DAY)

    async def _own(self, accounts: AccountRepository, caller: Caller, key_id: UUID) -> ApiKey:
        key = await accounts.get_locked(key_id)
        if key is None or (caller.kind != "staff" and key.owner_id != caller.id):
            raise KeyNotFound("There is no such key of yours.")
        return key

    async def _hold_back(self, accounts: AccountRepository, caller: Caller) -> None:
        """Both are counted with the locks held that others of them wait for."""
        if caller.kind == "staff" or caller.id is None:
            return
        await accounts.wait_for(caller.id, caller.network)
        if await accounts.is_signed_out(caller.id):
            raise NobodyAnyMore("You have signed out. Load the page again.")
        if await accounts.count_live(caller.id) >= LIVE_KEYS:
            raise TooManyKeys(f"You have {LIVE_KEYS} keys already. Revoke one to make another.")
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
