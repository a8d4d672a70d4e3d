"""Every fixture is defined once, so that each server and stand-in is started once."""

import ast
import sys
from importlib import import_module
from pathlib import Path

from tests.fixtures.database import database
from tests.processes import ROOT

TESTS = Path(__file__).parent
Fixture = type(database)


def test_no_module_imports_a_fixture():
    # pytest would register it anew for the importing folder, and start its server once more.
    imported = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted(TESTS.rglob("*.py"))
        if path != Path(__file__)
        for module, name in _imported_from_tests(path)
        if isinstance(getattr(module, name, None), Fixture)
    ]

    assert imported == []


def _imported_from_tests(path: Path) -> list[tuple[object, str]]:
    return [
        (sys.modules.get(node.module) or import_module(node.module), alias.name)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("tests.")
        for alias in node.names
    ]
