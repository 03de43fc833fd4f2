"""Reading our own documents in tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def documents() -> list[Path]:
    """Return what people read: everything written in Markdown but the code of others."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")])


def name_of(document: Path) -> str:
    """Return how a test calls a document."""
    return str(document.relative_to(ROOT))


def tables(text: str) -> Iterator[list[str]]:
    """Yield the cells of every row of every table, without its head."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if re.fullmatch(r"\|[-| :]+\|", line):
            for row in takewhile(lambda below: below.startswith("|"), lines[number + 1 :]):
                yield [cell.strip() for cell in row.strip("|").split("|")]


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced blocks of a language, in their order."""
    return [block for kind, block in re.findall(r"```(\w*)\n(.*?)```", text, re.DOTALL) if kind == language]


def code(text: str) -> list[str]:
    """Return what stands in backticks within lines."""
    without_blocks = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", without_blocks)
