"""A pytest plugin that writes the outcomes of a run as JSON, to the file named by `--outcomes`."""

import json
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--outcomes", metavar="FILE", help="Write what passed and what failed here.")


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    stats = terminalreporter.stats
    failed = [report.nodeid for report in [*stats.get("failed", []), *stats.get("error", [])]]
    outcomes = {
        "passed": len(stats.get("passed", [])),
        # A test may fail, and its teardown after it.
        "failed": list(dict.fromkeys(failed)),
    }
    if path := config.getoption("outcomes"):
        Path(path).write_text(json.dumps(outcomes))
