"""A real Postgres for one clone: its own data, port and password, gone when its starter is."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from dev import ports
from dev.binaries import make_data_folder, postgres_home, without_libpq_settings
from dev.console import CommandError
from dev.processes import Process, command_of, spawn, started_at, stop, until
from dev.state import StateFile

USER = "app"
DATABASE = "factoids"
SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
}
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
START_WITHIN_S = 60
STOP_WITHIN_S = 15


class Postgres:
    """Started and stopped by one process at a time: see `dev.lockfile`."""

    name = "postgres"

    def __init__(self, state: Path, memory: StateFile, *, durable: bool) -> None:
        self.log = state / "log" / "postgres.log"
        self._settings = SETTINGS if durable else {**SETTINGS, **FORGETFUL}
        self._memory = memory
        self._home = postgres_home(state)
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it, with a database in it, and answer the database's address."""
        self.end_leftover()
        if not (self._home.data / "PG_VERSION").exists():
            self._create()
        password = self._memory.get("postgres_password")
        if not password:
            raise CommandError(
                f"The password to {self._home.data} is lost: `make reset` starts over."
            )
        port = self._serve()
        self._create_database(port, password)
        return f"postgresql://{USER}:{password}@{ports.LOOPBACK}:{port}/{DATABASE}"

    def stop(self) -> None:
        if self.child is None:
            return
        started = started_at(self.child.pid)
        if started:
            # SIGINT is Postgres' "fast": end the sessions, write everything down, leave.
            leader = Process(self.child.pid, started)
            stop(leader, first=signal.SIGINT, grace_s=STOP_WITHIN_S)
        self.child.wait()
        self.child = None

    def _create(self) -> None:
        """Fill a folder beside the data and rename it, so that a kill leaves no half of one."""
        password = secrets.token_urlsafe(24)
        for unfinished in self._home.data.parent.glob("postgres.new-*"):
            if unfinished.is_dir():
                shutil.rmtree(unfinished, ignore_errors=True)
            else:
                unfinished.unlink(missing_ok=True)
        new = self._home.data.with_name(f"postgres.new-{secrets.token_hex(4)}")
        make_data_folder(self._home, new.name)
        password_file = new.with_name(f"{new.name}.password")
        password_file.touch(mode=0o600)
        password_file.write_text(password)
        if self._home.user is not None and self._home.group is not None:
            os.chown(password_file, self._home.user, self._home.group)
        try:
            self._run(
                *("initdb", "-D", str(new), "-U", USER, "--encoding=UTF8", "--no-sync"),
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}"),
            )
        finally:
            password_file.unlink()
        self._memory.put(postgres_password=password, postgres_database=None)
        new.rename(self._home.data)

    def _serve(self) -> int:
        """Start the server, on another port or a little later when that is what it takes."""
        deadline = time.monotonic() + START_WITHIN_S
        while True:
            port = ports.keep_or_choose(self._memory.get("postgres_port"))
            if self._came_up(self._spawn(port), deadline):
                self._memory.put(postgres_port=port)
                return port
            self.stop()
            said = self.log.read_text(errors="replace")
            # Sessions of a killed server take a moment to notice that it is gone.
            passing = "Address already in use" in said or "still in use" in said
            if not passing or time.monotonic() > deadline:
                raise CommandError(f"Postgres does not start; {self.log} says:\n{said[-1500:]}")
            time.sleep(0.2)

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        command = [str(self._home.programs / "postgres"), "-D", str(self._home.data)]
        for name, value in {**self._settings, "port": str(port)}.items():
            command += ["-c", f"{name}={value}"]
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("wb") as log:
            self.child = spawn(
                command,
                cwd=Path("/"),
                env=without_libpq_settings(),
                stdout=log,
                last_signal=signal.SIGINT,
                user=self._home.user,
                group=self._home.group,
            )
        return self.child

    def _came_up(self, child: subprocess.Popen[bytes], deadline: float) -> bool:
        until(
            lambda: child.poll() is not None or self._ready(child.pid),
            within_s=deadline - time.monotonic(),
        )
        return child.poll() is None and self._ready(child.pid)

    def _ready(self, pid: int) -> bool:
        """What the server itself writes down; a port that answers might be somebody else's."""
        lines = self._pid_file()
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _pid_file(self) -> list[str]:
        try:
            return (self._home.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def end_leftover(self) -> None:
        """End a server whose starter was killed, and forget one that was killed itself.

        Postgres takes any process with the number in its pid file for a living server, also a
        zombie (which a container without an init keeps) and a stranger.
        """
        lines = self._pid_file()
        if not lines:
            return
        pid = abs(int(lines[0]))
        started = started_at(pid)
        if started and str(self._home.data) in command_of(pid):
            stop(Process(pid, started), first=signal.SIGINT, grace_s=STOP_WITHIN_S)
        (self._home.data / "postmaster.pid").unlink(missing_ok=True)

    def _create_database(self, port: int, password: str) -> None:
        if self._memory.get("postgres_database"):
            return
        where = ["-h", ports.LOOPBACK, "-p", str(port), "-U", USER]
        told = subprocess.run(
            [str(self._home.programs / "createdb"), *where, DATABASE],
            env=without_libpq_settings(PGPASSWORD=password),
            capture_output=True,
            text=True,
            check=False,
        )
        if told.returncode and "already exists" not in told.stderr:
            raise CommandError(f"Postgres refuses a database: {told.stderr.strip()}")
        self._memory.put(postgres_database=DATABASE)

    def _run(self, program: str, *arguments: str) -> None:
        told = self._home.run(program, *arguments)
        if told.returncode:
            raise CommandError(f"{program} failed: {(told.stderr or told.stdout).strip()[-1500:]}")
