"""A Chromium for the tests that look at real pages; the one thing no Python package brings."""

import os
import shutil
import subprocess

from dev.console import CommandError, step

SHELL = "chromium-headless-shell"
"""Chromium without a browser around its pages, which takes half of the time or less for each."""
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = "fonts-noto-color-emoji"


def ensure() -> str:
    """The path of a Chromium; the system's package is installed when that needs no password.

    Systems that do not package the shell have the browser.

    Raises:
        CommandError: There is none, and it cannot be installed.
    """
    if found := shutil.which(SHELL):
        return found
    as_root = _as_root()
    if as_root is not None and shutil.which("apt-get"):
        with step("Installing Chromium (about 100 MB, once)"):
            _apt_get(as_root, "update")
            install = ("install", "-y", "--no-install-recommends")
            if _apt_get(as_root, *install, SHELL, FONTS) and not _find():
                _apt_get(as_root, *install, "chromium", FONTS)
    if found := _find():
        return found
    raise CommandError(
        "The tests need Chromium, which only an administrator can install here: "
        f"`apt-get install {SHELL} {FONTS}` or your system's equal."
    )


def _apt_get(as_root: list[str], *arguments: str) -> int:
    done = subprocess.run(
        [*as_root, "apt-get", "-q", "-o", "Acquire::http::Timeout=20", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


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
