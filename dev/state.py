"""What a clone's commands keep between runs."""

import json
import os
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD_STATE = ROOT / ".dev"
RUN_STATE = Path(os.environ.get("DEV_STATE") or ROOT / ".dev").resolve()
"""DEV_STATE lets a second copy of the product run from the same clone."""
TEST_STATE = ROOT / ".dev" / "test"


class StateFile:
    """Named values in a JSON file of mode 0600, which is replaced in one step."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # Whatever the umask is: the database may run as another user, who must reach its data.
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)

    def get(self, name: str) -> Any:
        return self._read().get(name)

    def put(self, **values: Any) -> None:
        new = self._file.with_suffix(f".{os.getpid()}.tmp")
        new.touch(mode=0o600)
        new.write_text(json.dumps({**self._read(), **values}, indent=1))
        new.replace(self._file)

    def _read(self) -> dict[str, Any]:
        try:
            return json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
