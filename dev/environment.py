"""The environment a command hands to the processes it starts."""

import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from dev.state import ROOT

SCRIPTS = Path(sys.executable).parent
OF_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES", "MAKE_TERMOUT", "MAKE_TERMERR"}


def declared() -> dict[str, str]:
    """What the developer set: the variables of `.env`, overridden by those of the environment.

    An empty value counts as none, and hides the one in `.env`.
    """
    values = {**dotenv_values(ROOT / ".env"), **os.environ}
    return {name: value for name, value in values.items() if value and name not in OF_MAKE}


def for_children(values: dict[str, str]) -> dict[str, str]:
    """`values` for a program of this clone: the scripts of .venv come first, output is flushed."""
    path = f"{SCRIPTS}{os.pathsep}{values.get('PATH', os.defpath)}"
    venv = str(SCRIPTS.parent)
    return {**values, "PATH": path, "VIRTUAL_ENV": venv, "PYTHONUNBUFFERED": "1"}
