"""The documents of the repository name files that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path):
    links = LINK.findall(document.read_text())

    assert [link for link in links if not leads_somewhere(document, link)] == []


def leads_somewhere(document: Path, link: str) -> bool:
    if link.startswith(("https://", "http://", "mailto:")):
        return True
    path, _, fragment = link.replace("\\", "").partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not fragment or fragment in anchors(target))


def anchors(document: Path) -> set[str]:
    """The headings of a document, as links write them."""
    titles = HEADING.findall(document.read_text())
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def test_the_architecture_names_every_package():
    overview = (ROOT / "docs" / "architecture.md").read_text()

    for package in ("api", "db", "domain", "jobs", "settings", "web"):
        assert f"[{package}/](../{package})" in overview
