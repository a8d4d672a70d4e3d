"""A Chromium for the tests that look at real pages; the one thing no Python package brings."""

import os
import shutil
import subprocess

from dev.console import CommandError, step

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ["chromium", "fonts-noto-color-emoji"]


def ensure() -> str:
    """Where Chromium is, installing the system's package when that needs no password."""
    if found := _find():
        return found
    may = _as_root()
    if may is None or not shutil.which("apt-get"):
        raise CommandError(
            "The tests need Chromium, which only an administrator can install here: "
            f"`apt-get install {' '.join(PACKAGES)}` or your system's equal."
        )
    with step("Installing Chromium (about 100 MB, once)"):
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            told = subprocess.run(
                [*may, "apt-get", "-q", *arguments],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
        if not (found := _find()):
            raise CommandError(f"Chromium could not be installed: {told.stdout.strip()[-500:]}")
    return found


def _find() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def _as_root() -> list[str] | None:
    """What to put before a command to run it as root; None when that is not ours to do."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None
