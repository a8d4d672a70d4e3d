"""Migrations: from nothing to head and back, and in step with the models."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest

from domain.factoids.search import search_terms
from domain.text import key_of
from tests.environment import SERVER
from tests.processes import ROOT

pytestmark = pytest.mark.processes

NAME = f"factoids_migrations_{os.getpid()}"
URL = urlunsplit(urlsplit(SERVER)._replace(path=f"/{NAME}"))

SHAPE = """
SELECT 'column', table_name || '.' || column_name, concat_ws(' ', data_type, udt_name,
    character_maximum_length, numeric_precision, numeric_scale, is_nullable, column_default,
    generation_expression)
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'table', relname, concat_ws(' ', relkind, reloptions::text)
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'S')
UNION ALL SELECT 'function', proname, pg_get_functiondef(p.oid) FROM pg_proc p
  WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS
    (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY 1, 2, 3
"""
STORED = [
    "मिस्र में शहद कभी खराब नहीं होता।",
    "น้ำเงินเป็นสีของเลือด",
    "İstanbul kadar ışık yok",
    "العسل لا يفسد",
    "العَسَلُ لا يَفسُدُ",
    "Only ASCII.",
]
OF_THE_TOOL = {"alembic_version", "alembic_version.version_num", "alembic_version_pkc"}


def run(statement: str, url: str = URL) -> list[tuple[str, ...]]:
    async def ask() -> list[tuple[str, ...]]:
        connection = await asyncpg.connect(url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return asyncio.run(ask())


TOOL = [sys.executable, "-m", "advanced_alchemy", "--config", "db.migrations.config.alembic"]


def alchemy(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TOOL, *command],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": URL},
        capture_output=True,
        text=True,
        check=False,
    )


def migrate(*command: str) -> None:
    done = alchemy(*command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def empty() -> Iterator[None]:
    run(f'CREATE DATABASE "{NAME}"', SERVER)
    yield
    run(f'DROP DATABASE "{NAME}" WITH (FORCE)', SERVER)


@pytest.mark.usefixtures("empty")
def test_tables_can_be_made_unmade_and_made_again():
    migrate("upgrade", "--no-prompt")
    made = run(SHAPE)
    migrate("downgrade", "--no-prompt", "base")
    left = [one for one in run(SHAPE) if one[1].split(".")[0] not in OF_THE_TOOL]
    migrate("upgrade", "--no-prompt")

    assert {"factoids", "tallies", "votes", "outbox"} <= {one[1] for one in made}
    assert left == []
    assert run(SHAPE) == made


@pytest.mark.usefixtures("empty")
def test_keys_and_terms_of_stored_facts_are_written_anew():
    migrate("upgrade", "--no-prompt", "7a3b90c5d1e4")
    for number, text in enumerate(STORED):
        run(
            "INSERT INTO factoids (id, text, text_key, subject, emoji, category, origin,"
            f" created_at) VALUES ('{UUID(int=number + 1)}', '{text}', 'old {number}', '-', '🪐',"
            " 'space', 'seed', now())"
        )
    migrate("upgrade", "--no-prompt")

    written = run("SELECT text, text_key, search_terms FROM factoids ORDER BY id")

    assert written == [
        *((text, key_of(text), search_terms(text)) for text in STORED[:-2]),
        # Without vowels it would have the key of another; nothing is lost.
        (STORED[-2], f"old {len(STORED) - 2}", search_terms(STORED[-2])),
        (STORED[-1], f"old {len(STORED) - 1}", ""),
    ]


@pytest.mark.usefixtures("empty")
def test_a_drift_between_models_and_migrations_is_found():
    migrate("upgrade", "--no-prompt")
    checked = alchemy("check")
    assert checked.returncode == 0, checked.stdout + checked.stderr

    run("ALTER TABLE factoids ADD COLUMN drifted int")
    run("ALTER TABLE factoids ALTER emoji TYPE varchar(9)")
    run("DROP INDEX ix_anomalies_detected_at")

    checked = alchemy("check")
    assert checked.returncode != 0
    found = checked.stdout + checked.stderr
    for drift in ("drifted", "emoji", "ix_anomalies_detected_at"):
        assert drift in found, found


def test_there_is_one_newest_migration():
    heads = alchemy("heads")
    assert heads.returncode == 0
    assert heads.stdout.count("(head)") == 1
