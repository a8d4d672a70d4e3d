"""Leave each file named with one newline at its end and no blanks before one (pre-commit)."""

import sys
from pathlib import Path


def tidy(text: str) -> str:
    lines = [line.rstrip(" \t") for line in text.split("\n")]
    return "\n".join(lines).rstrip("\n") + "\n" if text.strip() else ""


def main(files: list[str]) -> int:
    changed = [file for file in files if _tidy_file(Path(file))]
    print(*(f"Tidied {file}" for file in changed), sep="\n", end="\n" if changed else "")
    return 1 if changed else 0


def _tidy_file(file: Path) -> bool:
    text = file.read_bytes().decode()
    tidied = tidy(text)
    if tidied == text:
        return False
    file.write_bytes(tidied.encode())
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
