"""The Procfile: the one place that says how the product's processes are started."""

from dev.state import ROOT


def commands() -> dict[str, list[str]]:
    """Process name to the command that runs it; $PORT and the like come from its environment."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    named = (line.split(":", 1) for line in lines if line.strip() and not line.startswith("#"))
    # `exec` leaves no shell in between that would keep a signal to itself.
    return {name.strip(): ["sh", "-c", f"exec {command.strip()}"] for name, command in named}
