"""SQLAlchemy statements compiled once to SQL, which asyncpg runs directly.

Building and compiling a statement costs more than Postgres needs to answer it; see
`docs/adr/0003-hot-reads-bypass-the-orm.md`.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg as dialect

DIALECT = dialect.dialect()


@dataclass(frozen=True)
class Compiled:
    """SQL with numbered parameters, and the names of the parameters in their order."""

    sql: str
    _names: tuple[str, ...]
    _fixed: dict[str, Any]

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        return [values[name] if name in values else self._fixed[name] for name in self._names]


def compiled(statement: Select[Any]) -> Compiled:
    """Compile a statement whose variable values are named `bindparam`s."""
    result = statement.compile(dialect=DIALECT, compile_kwargs={"render_postcompile": True})
    return Compiled(str(result), tuple(result.positiontup or ()), dict(result.params))
