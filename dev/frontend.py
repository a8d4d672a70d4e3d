"""Build the pages when what they are made of has changed: `python -m dev.frontend`."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from dev.console import CommandError, echo, fail, step
from dev.environment import declared, for_children
from dev.lockfile import locked
from dev.state import BUILD_STATE, ROOT, StateFile
from dev.supervisor import Supervisor

SOURCES = ("web", "assets", "api/schemas", "rxconfig.py", "requirements.lock")
PACKAGES = ("reflex.lock",)
WEB = ROOT / ".web"
BUILT = WEB / "build" / "client"
COMMAND = ["reflex", "export", "--frontend-only", "--no-zip"]


def build_if_needed(supervisor: Supervisor, values: dict[str, str]) -> None:
    BUILD_STATE.mkdir(mode=0o755, exist_ok=True)
    with open(BUILD_STATE / "build.lock", "w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)
        _build_if_needed(supervisor, values)


def _build_if_needed(supervisor: Supervisor, values: dict[str, str]) -> None:
    memory = StateFile(BUILD_STATE / "frontend.json")
    sources = _fingerprint(SOURCES)
    known = [sources, _fingerprint(PACKAGES)]
    if BUILT.exists() and memory.get("built_from") == known:
        return
    if memory.get("torn"):
        shutil.rmtree(WEB, ignore_errors=True)
    first = "" if (WEB / "node_modules").exists() else " (the first time takes a minute)"
    memory.put(built_from=None, torn=True)
    try:
        with step(f"Building the pages{first}") as current, _tree_kept_clean():
            supervisor.do("build", COMMAND, {**values, **_node_settings(values)}, current)
    except CommandError:
        # A mistake in the pages leaves the installed packages good; a first installation that
        # failed, or a build that was killed (which does not come by here), does not.
        memory.put(torn=bool(first))
        raise
    # The build itself may complete the list of packages.
    memory.put(built_from=[sources, _fingerprint(PACKAGES)], torn=False)


@contextmanager
def _tree_kept_clean() -> Generator[None]:
    """Undo what Reflex does to committed files in passing: it adds lines to .gitignore that are
    there in another form, and writes the same packages down in another order."""
    ignored, packages = ROOT / ".gitignore", ROOT / "reflex.lock" / "package.json"
    before = {file: file.read_bytes() for file in (ignored, packages) if file.exists()}
    try:
        yield
    finally:
        for file, content in before.items():
            if file == ignored or json.loads(content) == json.loads(file.read_bytes()):
                file.write_bytes(content)


def _fingerprint(places: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for place in places:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(json.dumps([str(file.relative_to(ROOT)), content]).encode())
    return digest.hexdigest()


def _node_settings(values: dict[str, str]) -> dict[str, str]:
    """What makes Node behave the same on every network.

    The machine's own certificates count, as they do for Python packages; and the registry is
    the one npm is configured for, where Reflex would otherwise race mirrors against it.
    """
    options = f"{values.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    settings = {"NODE_OPTIONS": options, "REFLEX_DIR": str(BUILD_STATE / "reflex")}
    told = subprocess.run(
        ["npm", "config", "get", "registry"],
        env=for_children({**values, **settings}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode == 0 and told.stdout.startswith("http"):
        settings["NPM_CONFIG_REGISTRY"] = told.stdout.strip()
    return settings


def main() -> int:
    state: Path = BUILD_STATE / "build"
    try:
        with locked(state) as memory:
            supervisor = Supervisor(state, memory)
            supervisor.end_leftovers()
            try:
                build_if_needed(supervisor, declared())
            finally:
                supervisor.stop()
    except CommandError as problem:
        return fail(problem)
    except KeyboardInterrupt:
        return 130
    echo("The pages are in .web/build/client.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
