"""What a process remembers of keys and identities, while Postgres comes and goes."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import asyncpg
import pytest

from db.session import Database, open_database
from domain.accounts.credential_cache import CredentialCache, KeyRevoked, KeyUnknown
from domain.accounts.service import Accounts
from domain.caller import STAFF, Caller
from tests.configuration import settings


@pytest.fixture
async def own(database: Database) -> AsyncGenerator[Database]:
    """Connections that a test may lose."""
    opened = await open_database(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def credentials(own: Database) -> AsyncGenerator[CredentialCache]:
    credentials = CredentialCache(settings.secret_key)
    await credentials.start(own)
    yield credentials
    await credentials.stop()


@pytest.fixture
def elsewhere(database: Database) -> Accounts:
    """Another process."""
    return Accounts(database.sessions, CredentialCache(settings.secret_key), settings.secret_key)


async def lose(database: Database, credentials: CredentialCache) -> None:
    await database.reads.close()
    # As after some seconds without an answer.
    credentials._refreshed_at_s = float("-inf")


async def test_while_postgres_is_away_nothing_becomes_valid(credentials, own, elsewhere):
    visitor = Caller("visitor", uuid4(), "net")
    revoked, living = [await elsewhere.make_key(visitor, name) for name in ("a", "b")]
    for one in (revoked, living):
        assert (await credentials.authenticate(one.token)).id == one.key.id
    gone = uuid4()
    await elsewhere.sign_out(Caller("visitor", gone, "net"))
    await elsewhere.revoke_key(visitor, revoked.key.id)
    await credentials._refresh()
    assert (await credentials.authenticate(living.token)).id == living.key.id

    await lose(own, credentials)

    assert credentials.revocations.is_revoked(gone)
    assert credentials.revocations.is_revoked(revoked.key.id)
    assert not credentials.revocations.is_revoked(uuid4())
    for one in (revoked, living):
        with pytest.raises(asyncpg.InterfaceError):
            await credentials.authenticate(one.token)


async def test_a_process_that_starts_without_postgres_lets_nobody_in(own):
    credentials = CredentialCache(settings.secret_key)
    await own.reads.close()

    with pytest.raises(asyncpg.InterfaceError):
        await credentials.start(own)


async def test_who_was_signed_out_before_a_process_started_is_known_to_it(own, elsewhere):
    gone = uuid4()
    mine = await elsewhere.make_key(Caller("visitor", gone, "net"), "a")
    await elsewhere.sign_out(Caller("visitor", gone, "net"))
    credentials = CredentialCache(settings.secret_key)

    await credentials.start(own)

    assert credentials.revocations.is_revoked(gone)
    with pytest.raises(KeyRevoked):
        await credentials.authenticate(mine.token)
    await credentials.stop()


async def test_a_key_read_just_before_its_revocation_is_refused_all_the_same(
    credentials, elsewhere
):
    """Whoever reads a row a moment too early may remember it after the change was seen."""
    made = await elsewhere.make_key(STAFF, "a")
    early = await credentials._reads.key(made.key.id)
    await elsewhere.revoke_key(STAFF, made.key.id)
    await credentials._refresh()
    credentials._keys[made.key.id] = early

    await credentials._refresh()

    with pytest.raises(KeyRevoked):
        await credentials.authenticate(made.token)


async def test_no_key_is_made_for_one_who_signed_out_meanwhile(elsewhere, database):
    from domain.accounts.service import AlreadySignedOut

    visitor = Caller("visitor", uuid4(), "net")
    await elsewhere.sign_out(visitor)

    with pytest.raises(AlreadySignedOut):
        await elsewhere.make_key(visitor, "a")


async def test_guesses_are_unknown_whether_there_is_such_a_key_or_not(credentials, elsewhere):
    made = await elsewhere.make_key(STAFF, "a")
    other = Accounts(None, credentials, "another secret")._tokens  # pyright: ignore[reportArgumentType]

    for guess in (other.make(made.key.id), other.make(uuid4())):
        with pytest.raises(KeyUnknown):
            await credentials.authenticate(guess)


async def test_only_what_no_cookie_can_name_any_more_is_forgotten(elsewhere, database):
    old, young = uuid4(), uuid4()
    for one in (old, young):
        await elsewhere.sign_out(Caller("visitor", one, "net"))
    async with database.engine.begin() as connection:
        aged = "UPDATE signed_out_visitors SET signed_out_at = now() - interval '367 days'"
        await connection.exec_driver_sql(f"{aged} WHERE visitor_id = '{old}'")

    assert await elsewhere.delete_expired_sign_outs() == 1

    async with database.engine.connect() as connection:
        left = await connection.exec_driver_sql("SELECT visitor_id FROM signed_out_visitors")
        assert [row[0] for row in left] == [young]
