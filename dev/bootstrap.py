"""Install what requirements.lock names into .venv: `python3 -m dev.bootstrap`.

Runs on the system's Python before anything is installed, so only the standard library is
imported. Every download is checked against a hash in the repository. A finished installation
writes a stamp; while the stamp is right, nothing is done.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from dev.console import CommandError, echo, fail, step

LOCK = Path("requirements.lock")
INSTALLER_LOCK = Path("dev/installer.lock")
VENV = Path(".venv")
STAMP = VENV / "installed"
STATE = Path(".dev")
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def main() -> int:
    STATE.mkdir(mode=0o755, exist_ok=True)
    try:
        with open(STATE / "install.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            install()
    except CommandError as error:
        return fail(error)
    except KeyboardInterrupt:
        echo("\nStopped. The next start takes it up again.")
        return 130
    return 0


def install() -> None:
    # The scripts in .venv/bin carry its place in their first line.
    environment = _digest(sys.version, str(Path.cwd()), INSTALLER_LOCK.read_text())
    wanted = [environment, _digest(LOCK.read_text())]
    present = STAMP.read_text().split() if STAMP.exists() else []
    if present == wanted:
        return
    # Without a stamp nothing is trusted: a killed installation is made anew.
    STAMP.unlink(missing_ok=True)
    if present[:1] != wanted[:1]:
        _make_environment()
    packages = sum("==" in line for line in LOCK.read_text().splitlines())
    with step(f"Installing {packages} locked packages"):
        # The machine's own certificates: a company's network may bring its own authority.
        # Compiling here, on all cores, saves more at the first start than it costs.
        options = ["--require-hashes", "--system-certs", "--compile-bytecode"]
        _run(str(VENV / "bin" / "uv"), "pip", "sync", *options, str(LOCK))
    STAMP.write_text("\n".join(wanted))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def _make_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise CommandError(
            "This Python comes without venv and pip: install them first, on Debian and Ubuntu "
            f"with `apt-get install python{PYTHON}-venv`."
        )
    with step(f"Making .venv with Python {sys.version.split()[0]}"):
        shutil.rmtree(VENV, ignore_errors=True)
        _run(sys.executable, "-m", "venv", str(VENV))
    with step("Installing the installer (uv)"):
        pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        _run(*pip, "--no-deps", "--require-hashes", "-r", str(INSTALLER_LOCK))


def _run(*command: str) -> None:
    """Run an installer, and print the end of its output when it fails."""
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV.resolve())}
    environment.pop("PYTHONHOME", None)
    environment.pop("PYTHONPATH", None)
    installer = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if installer.returncode:
        echo("\n" + "\n".join(installer.stdout.splitlines()[-30:]))
        raise CommandError(f"`{' '.join(command[:4])} …` failed; its output is above.")


if __name__ == "__main__":
    sys.exit(main())
