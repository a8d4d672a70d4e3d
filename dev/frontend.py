"""Build the pages when what they are made of has changed: `python -m dev.frontend`."""

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from dev.console import CommandError, echo, fail
from dev.environment import declared, for_children
from dev.lockfile import locked
from dev.state import BUILD_STATE, ROOT, StateFile
from dev.supervisor import Supervisor

SOURCES = ("web", "assets", "api/schemas", "rxconfig.py", "requirements.lock")
PACKAGES = ("reflex.lock",)
WEB = ROOT / ".web"
BUILT = WEB / "build" / "client"


def build_if_needed(supervisor: Supervisor, values: dict[str, str]) -> None:
    """Build the pages unless they are built from the present files; waits for another build."""
    BUILD_STATE.mkdir(mode=0o755, exist_ok=True)
    with open(BUILD_STATE / "build.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = StateFile(BUILD_STATE / "frontend.json")
        sources = _fingerprint(SOURCES)
        if not BUILT.exists() or built.get("built_from") != [sources, _fingerprint(PACKAGES)]:
            _build(supervisor, values, built)
            # After the build, which may complete the list of packages.
            built.put(built_from=[sources, _fingerprint(PACKAGES)], torn=False)


def _build(supervisor: Supervisor, values: dict[str, str], built: StateFile) -> None:
    if built.get("torn"):
        shutil.rmtree(WEB, ignore_errors=True)
    first = "" if (WEB / "node_modules").exists() else " (the first time takes a minute)"
    built.put(built_from=None, torn=True)
    try:
        with _committed_files_kept():
            values = {**values, **_node_settings(values)}
            supervisor.run("build", values, f"Building the pages{first}")
    except CommandError:
        # A mistake in the pages leaves the installed packages good; a first installation that
        # failed does not, nor does a build that was killed, which does not get here.
        built.put(torn=bool(first))
        raise


@contextmanager
def _committed_files_kept() -> Generator[None]:
    """Undo Reflex's changes to committed files: it adds lines to .gitignore that are there in
    another form, and writes the same packages in another order."""
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
    for path in (ROOT / place for place in places):
        for file in [path] if path.is_file() else sorted(path.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(json.dumps([str(file.relative_to(ROOT)), content]).encode())
    return digest.hexdigest()


def _node_settings(values: dict[str, str]) -> dict[str, str]:
    """Variables that make Node behave the same on every network.

    The machine's own certificates count, as for Python packages. The registry is the one npm is
    configured for; without it Reflex would try several at once.
    """
    options = f"{values.get('NODE_OPTIONS', '')} --use-system-ca".strip()
    settings = {"NODE_OPTIONS": options, "REFLEX_DIR": str(BUILD_STATE / "reflex")}
    registry = subprocess.run(
        ["npm", "config", "get", "registry"],
        env=for_children({**values, **settings}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    return (
        {**settings, "NPM_CONFIG_REGISTRY": registry} if registry.startswith("http") else settings
    )


def main() -> int:
    state = BUILD_STATE / "build"
    try:
        with locked(state):
            supervisor = Supervisor(state)
            try:
                build_if_needed(supervisor, declared())
            finally:
                supervisor.stop()
    except CommandError as error:
        return fail(error)
    except KeyboardInterrupt:
        return 130
    echo("The pages are in .web/build/client.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
