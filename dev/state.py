"""What a clone's commands remember between runs: one small JSON file, for its owner's eyes."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD_STATE = ROOT / ".dev"
RUN_STATE = Path(os.environ.get("DEV_STATE") or ROOT / ".dev").resolve()
"""A second copy of the product can run from one clone with a DEV_STATE of its own."""
TEST_STATE = ROOT / ".dev" / "test"


class StateFile:
    """Named values in a file of mode 0600, replaced in one step so that a kill cannot tear it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # Not the umask's choice: the database may run as another user, who must get through.
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)

    def get(self, name: str) -> Any:
        return self._read().get(name)

    def put(self, **values: Any) -> None:
        new = self._file.with_suffix(f".{os.getpid()}.tmp")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            json.dump({**self._read(), **values}, file, indent=1)
        new.replace(self._file)

    def _read(self) -> dict[str, Any]:
        try:
            read: dict[str, Any] = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return read
