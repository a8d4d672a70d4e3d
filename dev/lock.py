"""Whether requirements.lock pins everything pyproject.toml asks for, by hash and from anywhere.

`make lock` writes the lock. It must not name a package index: whoever installs from it uses
their own, and the hashes make sure that it brought the right files.
"""

import re
import sys
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from dev.console import CommandError, fail
from dev.state import ROOT


def problems(project: str, lock: str) -> list[str]:
    """What is wrong with the text of a lock, given the text of pyproject.toml."""
    found: list[str] = []
    if addresses := re.findall(r"\w+://\S+|^--?(?:index|extra|find|i|f)\b.*", lock, re.MULTILINE):
        found.append(f"names an address: {addresses[0]}")
    pinned: dict[str, list[Requirement]] = {}
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        if not entry or entry.startswith(("#", "-")):
            continue
        requirement = Requirement(re.split(r"\s\\|\s--hash", entry, maxsplit=1)[0])
        if re.fullmatch(r"==[^*,]+", str(requirement.specifier)):
            pinned.setdefault(canonicalize_name(requirement.name), []).append(requirement)
        else:
            found.append(f"does not pin {requirement.name} to one version")
        if "--hash=sha256:" not in entry:
            found.append(f"has no hash for {requirement.name}")
    for wanted in _wanted(project):
        versions = pinned.get(canonicalize_name(wanted.name), [])
        if not versions:
            found.append(f"lacks {wanted.name}")
        for version in versions:
            number = Version(str(version.specifier).removeprefix("=="))
            if not wanted.specifier.contains(number, prereleases=True):
                found.append(f"has {version.name} {number}, not {wanted.specifier}")
    return found


def _wanted(project: str) -> list[Requirement]:
    read = tomllib.loads(project)
    lines = [*read["project"]["dependencies"]]
    for group in read.get("dependency-groups", {}).values():
        lines += group
    return [Requirement(line) for line in lines]


def main() -> int:
    project, lock = ((ROOT / name).read_text() for name in ("pyproject.toml", "requirements.lock"))
    if found := problems(project, lock):
        return fail(CommandError(f"requirements.lock {'; '.join(found)}: run `make lock`."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
