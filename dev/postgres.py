"""A real Postgres for one clone."""

import asyncio
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, cast

import asyncpg

from dev import ports
from dev.binaries import make_data_folder, postgres_home
from dev.console import CommandError
from dev.database_server import DatabaseServer, environment
from dev.state import StateFile

USER = "app"
DATABASE = "factoids"
SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
}
FOR_TESTS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # Several pytest processes share the server, each with processes of the product.
    "max_connections": "200",
}
NEW = "postgres.new-"


class Postgres(DatabaseServer):
    name = "postgres"

    def __init__(self, state: Path, settings: StateFile, *, durable: bool) -> None:
        super().__init__(state, settings, cwd=Path("/"))
        self._options = SETTINGS if durable else {**SETTINGS, **FOR_TESTS}
        self._home = postgres_home(state)
        self.user, self.group = self._home.user, self._home.group

    def prepare(self) -> None:
        if not (self._home.data / "PG_VERSION").exists():
            self._create()
        if not self._settings.get("postgres_password"):
            raise CommandError(
                f"The password to {self._home.data} is lost: `make reset` starts over."
            )
        # Postgres believes the number in this file, also when it is another process's by now.
        (self._home.data / "postmaster.pid").unlink(missing_ok=True)

    def command(self, port: int) -> list[str]:
        command = [str(self._home.programs / "postgres"), "-D", str(self._home.data)]
        for name, value in {**self._options, "port": str(port)}.items():
            command += ["-c", f"{name}={value}"]
        return command

    def url(self, port: int) -> str:
        password = self._settings.get("postgres_password")
        return f"postgresql://{USER}:{password}@{ports.LOOPBACK}:{port}/{DATABASE}"

    def accepts(self, url: str) -> bool:
        return asyncio.run(_database_exists(url))

    def _create(self) -> None:
        """Make a cluster beside the data folder and rename it: a kill leaves no half of one."""
        parent = self._home.data.parent
        for unfinished in parent.glob(f"{NEW}*"):
            shutil.rmtree(unfinished, ignore_errors=True)
        new = parent / f"{NEW}{secrets.token_hex(4)}"
        make_data_folder(new, self._home)
        password = secrets.token_urlsafe(24)
        with NamedTemporaryFile("w", prefix="postgres-password-") as file:
            file.write(password)
            file.flush()
            if self.user is not None and self.group is not None:
                os.chown(file.name, self.user, self.group)
            initdb = subprocess.run(
                [
                    *(str(self._home.programs / "initdb"), "-D", str(new), "-U", USER),
                    *("--no-sync", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
                    *("--builtin-locale=C.UTF-8", "--auth-local=trust"),
                    *("--auth-host=scram-sha-256", f"--pwfile={file.name}"),
                ],
                env=environment(),
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                user=self.user,
                group=self.group,
                extra_groups=None if self.user is None else [],
            )
        if initdb.returncode:
            raise CommandError(f"initdb failed: {(initdb.stderr or initdb.stdout).strip()[-1500:]}")
        self._settings.put(postgres_password=password)
        new.rename(self._home.data)


async def _database_exists(url: str) -> bool:
    """Whether the server lets us in; makes the product's database when it is not there yet."""
    connect = cast(Any, asyncpg).connect
    try:
        try:
            connection = await connect(url, timeout=5)
        except asyncpg.InvalidCatalogNameError:
            connection = await connect(url, timeout=5, database="postgres")
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True
