"""Addresses of Postgres in the forms that hosts give them."""

import asyncpg
import pytest
from sqlalchemy import text

from db.session import connect_options, create_engine
from settings.checks import WrongSetting, check
from settings.postgres import read_postgres_url
from tests.configuration import settings
from tests.environment import SERVER

HERE = SERVER.partition("?")[0]

WORKING = [
    "",
    "?sslmode=disable",
    "?sslmode=prefer&application_name=factoids",
    "?sslmode=disable&channel_binding=prefer&connect_timeout=10",
    "?ssl=false&keepalives=1&keepalives_idle=30",
    "?sslmode=allow&target_session_attrs=read-write",
    "?options=-c%20search_path%3Dpublic&sslmode=disable",
    "?sslmode=prefer&pgbouncer=false&connection_limit=5&schema=public",
]
"""Put behind the address of the tests' own server, which has no TLS."""


@pytest.mark.parametrize("query", WORKING)
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
async def test_both_drivers_connect(query, scheme):
    url = f"{scheme}://{HERE.partition('://')[2]}{query}"
    connection = await asyncpg.connect(**connect_options(url))
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()
    engine = create_engine(url)
    async with engine.connect() as session:
        assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    await engine.dispose()


@pytest.mark.parametrize("query", ["?application_name=my-site", "?application_name=my-site&ssl=0"])
async def test_what_a_parameter_asks_for_is_done_by_both_drivers(query):
    asked = "SELECT current_setting('application_name')"
    connection = await asyncpg.connect(**connect_options(HERE + query))
    assert await connection.fetchval(asked) == "my-site"
    await connection.close()
    engine = create_engine(HERE + query)
    async with engine.connect() as session:
        assert (await session.execute(text(asked))).scalar_one() == "my-site"
    await engine.dispose()


@pytest.mark.parametrize(
    "query",
    [
        "?sslmode=require",
        "?ssl=true",
        "?sslmode=no-verify",
        "?sslmode=verify-full&sslrootcert=system",
    ],
)
async def test_a_server_without_tls_is_refused_by_both_drivers_where_tls_is_asked_for(query):
    with pytest.raises((ConnectionError, asyncpg.PostgresError)):
        await asyncpg.connect(**connect_options(HERE + query))
    engine = create_engine(HERE + query)
    with pytest.raises((ConnectionError, asyncpg.PostgresError)):
        async with engine.connect():
            pass
    await engine.dispose()


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        pytest.param(
            "postgres://u:p%40ss@ec2-1.compute.amazonaws.com:5432/d1?sslmode=require",
            "postgresql://u:p%40ss@ec2-1.compute.amazonaws.com:5432/d1?sslmode=require",
            id="Heroku",
        ),
        pytest.param(
            "postgresql://u:p@dpg-1-a.frankfurt-postgres.render.com/d",
            "postgresql://u:p@dpg-1-a.frankfurt-postgres.render.com/d",
            id="Render",
        ),
        pytest.param(
            "postgresql://u:p@ep-1.eu-central-1.aws.neon.tech/db?sslmode=require&channel_binding=require",
            "postgresql://u:p@ep-1.eu-central-1.aws.neon.tech/db?sslmode=require",
            id="Neon",
        ),
        pytest.param(
            "postgresql://postgres.ref:p@aws-0-eu.pooler.supabase.com:5432/postgres?sslmode=no-verify",
            "postgresql://postgres.ref:p@aws-0-eu.pooler.supabase.com:5432/postgres?sslmode=require",
            id="Supabase",
        ),
        pytest.param(
            "postgresql://doadmin:p@db-1.ondigitalocean.com:25060/defaultdb?sslmode=require",
            "postgresql://doadmin:p@db-1.ondigitalocean.com:25060/defaultdb?sslmode=require",
            id="DigitalOcean",
        ),
        pytest.param(
            "postgres://avnadmin:p@pg-1.aivencloud.com:12691/defaultdb?sslmode=require",
            "postgresql://avnadmin:p@pg-1.aivencloud.com:12691/defaultdb?sslmode=require",
            id="Aiven",
        ),
        pytest.param(
            "postgresql://u@/d?host=/var/run/postgresql",
            "postgresql://u@/d?host=%2Fvar%2Frun%2Fpostgresql",
            id="a socket",
        ),
        pytest.param(
            "postgresql://u@h1:5432,h2:5433/d?target_session_attrs=read-write",
            "postgresql://u@h1:5432,h2:5433/d?target_session_attrs=read-write",
            id="two hosts",
        ),
        pytest.param("postgresql://u@[::1]:5432/d", "postgresql://u@[::1]:5432/d", id="IPv6"),
    ],
)
def test_the_forms_of_hosts_are_read(url, dsn):
    assert read_postgres_url(url).dsn == dsn


def test_the_time_to_connect_is_honoured():
    assert connect_options("postgresql://h/d?connect_timeout=3")["timeout"] == 3
    assert connect_options("postgresql://h/d")["timeout"] == 10


@pytest.mark.parametrize(
    "url",
    [
        "mysql://h/d",
        "postgresql://h:port/d",
        "postgresql://h/d?sslmode=maybe",
        "postgresql://h/d?pgbouncer=true",
        "postgresql://h/d?gssencmode=require",
        "postgresql://h/d?schema=private",
        "postgresql://h/d?connect_timeout=soon",
        "postgresql://h/d?nonsense=1",
    ],
)
def test_what_cannot_be_honoured_is_one_sentence(url):
    import msgspec

    with pytest.raises(WrongSetting) as refused:
        check(msgspec.structs.replace(settings, database_url=url))
    sentence = str(refused.value)
    assert sentence.startswith("DATABASE_URL: ")
    assert sentence.endswith(".")
    assert "\n" not in sentence
