"""What a process remembers of keys and identities, while Postgres comes and goes."""

from collections.abc import AsyncGenerator
from uuid import uuid4

import asyncpg
import pytest

from db.session import Database, open_database
from domain.accounts.credential_cache import KeyRevoked, KeyUnknown, Register
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
async def register(own: Database) -> AsyncGenerator[Register]:
    register = Register(settings.secret_key)
    await register.open(own)
    yield register
    await register.close()


@pytest.fixture
def elsewhere(database: Database) -> Accounts:
    """Another process."""
    return Accounts(database.sessions, Register(settings.secret_key), settings.secret_key)


async def lose(database: Database, register: Register) -> None:
    await database.reads.close()
    # As after some seconds without an answer.
    register._looked_at_s = float("-inf")


async def test_while_postgres_is_away_nothing_becomes_valid(register, own, elsewhere):
    visitor = Caller("visitor", uuid4(), "net")
    revoked, living = [await elsewhere.make_key(visitor, name) for name in ("a", "b")]
    for one in (revoked, living):
        assert (await register.holder(one.token)).id == one.key.id
    gone = uuid4()
    await elsewhere.sign_out(Caller("visitor", gone, "net"))
    await elsewhere.revoke_key(visitor, revoked.key.id)
    await register._look()
    assert (await register.holder(living.token)).id == living.key.id

    await lose(own, register)

    assert register.is_over(gone)
    assert register.is_over(revoked.key.id)
    assert not register.is_over(uuid4())
    for one in (revoked, living):
        with pytest.raises(asyncpg.InterfaceError):
            await register.holder(one.token)


async def test_a_process_that_starts_without_postgres_lets_nobody_in(own):
    register = Register(settings.secret_key)
    await own.reads.close()

    with pytest.raises(asyncpg.InterfaceError):
        await register.open(own)


async def test_who_was_signed_out_before_a_process_started_is_known_to_it(own, elsewhere):
    gone = uuid4()
    mine = await elsewhere.make_key(Caller("visitor", gone, "net"), "a")
    await elsewhere.sign_out(Caller("visitor", gone, "net"))
    register = Register(settings.secret_key)

    await register.open(own)

    assert register.is_over(gone)
    with pytest.raises(KeyRevoked):
        await register.holder(mine.token)
    await register.close()


async def test_a_key_read_just_before_it_was_revoked_is_forgotten_all_the_same(register, elsewhere):
    """Whoever reads a row a moment too early may remember it after the change was seen."""
    made = await elsewhere.make_key(STAFF, "a")
    early = await register._reads.key(made.key.id)
    await elsewhere.revoke_key(STAFF, made.key.id)
    await register._look()
    register._keys[made.key.id] = early

    await register._look()

    with pytest.raises(KeyRevoked):
        await register.holder(made.token)


async def test_no_key_is_made_for_one_who_signed_out_meanwhile(elsewhere, database):
    from domain.accounts.service import NobodyAnyMore

    visitor = Caller("visitor", uuid4(), "net")
    await elsewhere.sign_out(visitor)

    with pytest.raises(NobodyAnyMore):
        await elsewhere.make_key(visitor, "a")


async def test_guesses_are_unknown_whether_there_is_such_a_key_or_not(register, elsewhere):
    made = await elsewhere.make_key(STAFF, "a")
    other = Accounts(None, register, "another secret")._tokens  # pyright: ignore[reportArgumentType]

    for guess in (other.make(made.key.id), other.make(uuid4())):
        with pytest.raises(KeyUnknown):
            await register.holder(guess)


async def test_only_what_no_cookie_can_name_any_more_is_forgotten(elsewhere, database):
    old, young = uuid4(), uuid4()
    for one in (old, young):
        await elsewhere.sign_out(Caller("visitor", one, "net"))
    async with database.engine.begin() as connection:
        aged = "UPDATE signed_out_visitors SET signed_out_at = now() - interval '367 days'"
        await connection.exec_driver_sql(f"{aged} WHERE visitor_id = '{old}'")

    assert await elsewhere.forget_signed_out() == 1

    async with database.engine.connect() as connection:
        left = await connection.exec_driver_sql("SELECT visitor_id FROM signed_out_visitors")
        assert [row[0] for row in left] == [young]
