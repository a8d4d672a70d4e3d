"""Put what requirements.lock names into .venv: `python3 -m dev.bootstrap`.

Runs on the system's Python before anything is installed, so only the standard library is
imported. Every download is checked against a hash in the repository. A finished installation
leaves a stamp; with the same stamp the next start does nothing.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.console import CommandError, Step, echo, fail, step

LOCK = Path("requirements.lock")
INSTALLER_LOCK = Path("dev/installer.lock")
VENV = Path(".venv")
STAMP = VENV / "installed"
STATE = Path(".dev")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
UNFINISHED = STATE / "installing"
"""Present while an installation runs: what a killed one left behind cannot be trusted."""


def main() -> int:
    try:
        install()
    except CommandError as problem:
        return fail(problem)
    except KeyboardInterrupt:
        echo("\nStopped. The next start takes it up again.")
        return 130
    return 0


def install() -> None:
    STATE.mkdir(mode=0o755, exist_ok=True)
    with open(STATE / "install.lock", "w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)
        if _stamp() == (STAMP.read_text() if STAMP.exists() else ""):
            return
        if UNFINISHED.exists() or not _usable():
            _start_over()
        UNFINISHED.touch()
        _sync()
        STAMP.write_text(_stamp())
        UNFINISHED.unlink()


def _stamp() -> str:
    """What an installation depends on: the locks, this Python, and its place on disk,
    which the scripts in .venv/bin carry in their first line."""
    digest = hashlib.sha256()
    for part in (LOCK.read_bytes(), INSTALLER_LOCK.read_bytes(), PYTHON.encode()):
        digest.update(hashlib.sha256(part).digest())
    digest.update(os.fsencode(Path.cwd()))
    return digest.hexdigest()


def _usable() -> bool:
    """Whether .venv works here, with a Python like the one that runs now."""
    scripts = VENV / "bin"
    if not all(os.access(scripts / name, os.X_OK) for name in ("python", "pip")):
        return False
    tell = "import sys, pip; print('%d.%d' % sys.version_info[:2], sys.prefix, sep='|')"
    told = subprocess.run(
        [str(scripts / "python"), "-c", tell], capture_output=True, text=True, check=False
    )
    return told.returncode == 0 and told.stdout.strip() == f"{PYTHON}|{VENV.resolve()}"


def _start_over() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise CommandError(
            "This Python comes without venv and pip: install them first, on Debian and Ubuntu "
            f"with `apt-get install python{PYTHON}-venv`."
        )
    UNFINISHED.touch()
    with step(f"Making .venv with Python {sys.version.split()[0]}") as current:
        shutil.rmtree(VENV, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(VENV)], current)


def _sync() -> None:
    python = str(VENV / "bin" / "python")
    with step("Installing the installer (uv)") as current:
        pip = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
        _run([*pip, "--require-hashes", "-r", str(INSTALLER_LOCK)], current)
    wanted = sum(1 for line in LOCK.read_text().splitlines() if "==" in line)
    with step(f"Installing {wanted} locked packages") as current:
        # The machine's own certificates: a company's network may bring its own authority.
        # Compiling here, on all cores, saves more at the first start than it costs.
        options = ["--require-hashes", "--system-certs", "--compile-bytecode"]
        _run([str(VENV / "bin" / "uv"), "pip", "sync", *options, str(LOCK)], current)


def _run(command: list[str], current: Step) -> None:
    """Run an installer, passing on what it is doing, and all it said when it fails."""
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV.resolve()), "PYTHONUNBUFFERED": "1"}
    environment.pop("PYTHONHOME", None)
    environment.pop("PYTHONPATH", None)
    said: list[str] = []
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout
        for line in process.stdout:
            said.append(line)
            if line.startswith(("Resolved", "Prepared", "Uninstalled", "Installed", "Bytecode")):
                current.note(line.strip())
            elif line.startswith("Downloading"):
                current.note(line.strip().split(" (")[0])
    if process.returncode:
        echo()
        echo("".join(said[-30:]))
        raise CommandError(f"`{' '.join(command[:4])} …` failed; what it said is above.")


if __name__ == "__main__":
    sys.exit(main())
