"""SQL functions are what their files in `db/functions/` say."""

from db.migrations.functions import FUNCTIONS
from db.session import Database

NAMES = """
SELECT proname FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS
  (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
DEFINITION = "SELECT pg_get_functiondef(to_regproc($1))"


async def test_the_database_has_the_functions_of_the_files(database: Database):
    async with database.engine.connect() as connection:
        names = set((await connection.exec_driver_sql(NAMES)).scalars())
        assert names == {path.stem for path in FUNCTIONS.glob("*.sql")}

        for name in sorted(names):
            migrated = await connection.exec_driver_sql(DEFINITION, (name,))
            text = migrated.scalar_one()
            await connection.exec_driver_sql((FUNCTIONS / f"{name}.sql").read_text())
            from_file = await connection.exec_driver_sql(DEFINITION, (name,))
            assert from_file.scalar_one() == text, name
        await connection.rollback()
