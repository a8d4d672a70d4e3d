"""The command lines of all processes: the product's in Procfile, the others' in dev/Procfile."""

from honcho.environ import parse_procfile

from dev.state import ROOT


def lines() -> dict[str, str]:
    """Process name to command line, whose variables ($PORT) the shell expands."""
    files = (ROOT / "Procfile", ROOT / "dev" / "Procfile")
    return dict(parse_procfile("\n".join(file.read_text() for file in files)).processes)
