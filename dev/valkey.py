"""A real Valkey (the continuation of Redis' last free version) for one clone, kept on disk."""

import secrets
from pathlib import Path

import redis

from dev import ports
from dev.binaries import valkey_program
from dev.database_server import DatabaseServer
from dev.preflight import redis_version
from dev.state import StateFile

# Its own title would overwrite the environment, by which a later run knows the process.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir .
set-proc-title no
appendonly yes
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy noeviction
"""


class Valkey(DatabaseServer):
    name = "valkey"

    def __init__(self, state: Path, settings: StateFile) -> None:
        super().__init__(state, settings, cwd=state / "valkey")

    def prepare(self) -> None:
        self._cwd.mkdir(exist_ok=True)
        self._cwd.chmod(0o700)
        if not self._settings.get("valkey_password"):
            self._settings.put(valkey_password=secrets.token_urlsafe(24))

    def command(self, port: int) -> list[str]:
        file = self._cwd / "valkey.conf"
        file.touch(mode=0o600)
        password = self._settings.get("valkey_password")
        file.write_text(CONFIGURATION.format(host=ports.LOOPBACK, port=port, password=password))
        return [str(valkey_program()), file.name]

    def url(self, port: int) -> str:
        return f"redis://:{self._settings.get('valkey_password')}@{ports.LOOPBACK}:{port}/0"

    def accepts(self, url: str) -> bool:
        try:
            return redis_version(url) > 0
        except redis.RedisError:
            return False
