"""Remove blanks at line ends, and end each file named with one newline (pre-commit)."""

import sys
from pathlib import Path


def tidied(text: str) -> str:
    lines = "\n".join(line.rstrip(" \t") for line in text.split("\n")).rstrip("\n")
    return f"{lines}\n" if lines.strip() else ""


def main(files: list[str]) -> int:
    changed = [file for file in map(Path, files) if _tidy(file)]
    for file in changed:
        print(f"Tidied {file}")
    return 1 if changed else 0


def _tidy(file: Path) -> bool:
    text = file.read_bytes().decode()
    if tidied(text) != text:
        file.write_bytes(tidied(text).encode())
    return tidied(text) != text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
