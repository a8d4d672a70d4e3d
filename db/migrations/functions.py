"""SQL functions as migrations create them, from their files in `db/functions/`."""

from pathlib import Path

from alembic import op

FUNCTIONS = Path(__file__).parents[1] / "functions"


def create_functions(*names: str) -> None:
    """Create or replace functions with the text that their files have now.

    Bodies are not checked: a file may name tables or columns of a later migration, which then
    creates its function again.
    """
    connection = op.get_bind()
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    for name in names:
        connection.exec_driver_sql((FUNCTIONS / f"{name}.sql").read_text())
    connection.exec_driver_sql("SET LOCAL check_function_bodies = on")
