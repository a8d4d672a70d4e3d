"""The environment a command hands to the processes it starts."""

import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from dev.console import CommandError
from dev.state import ROOT
from settings import load
from settings.checks import WrongSetting

DIRECTORY_OF_SCRIPTS = Path(sys.executable).parent
OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "MAKE_TERMOUT", "MAKE_TERMERR"}


def declared() -> dict[str, str]:
    """What the developer set: `.env`, and above it the environment.

    An empty value is as good as none, and hides the one in `.env`.
    """
    values = {**dotenv_values(ROOT / ".env"), **os.environ}
    return {name: value for name, value in values.items() if value and name not in OF_MAKE}


def for_children(values: dict[str, str]) -> dict[str, str]:
    """`values` for a program of this clone: its scripts come first, its output at once."""
    path = f"{DIRECTORY_OF_SCRIPTS}{os.pathsep}{values.get('PATH', os.defpath)}"
    return {
        **values,
        "PATH": path,
        "VIRTUAL_ENV": str(DIRECTORY_OF_SCRIPTS.parent),
        "PYTHONUNBUFFERED": "1",
    }


def check_values(values: dict[str, str]) -> None:
    """Let the product's own settings read the values before anything is started.

    Raises:
        CommandError: A value cannot be used; the sentence names the variable.
    """
    try:
        load(values)
    except WrongSetting as refusal:
        raise CommandError(str(refusal)) from None
