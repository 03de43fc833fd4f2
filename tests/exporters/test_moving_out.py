"""The page about moving out names every format that can be written, and is one screen."""

from __future__ import annotations

from pathlib import Path

from exporters.formats import FORMATS

PAGE = (Path(__file__).parent.parent.parent / "docs" / "moving-out.md").read_text(encoding="utf-8")


def test_the_page_names_every_format_and_says_which_are_not_encrypted():
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(FORMATS)
    for one, row in zip(FORMATS, rows, strict=True):
        assert f"`{one.ending}`" in row
        name = one.label.partition(",")[0].partition(" (")[0]
        assert row.startswith(f"| {name}")
    clear = [row for row in rows if "not encrypted" in row]
    assert len(clear) == sum(not one.sealed for one in FORMATS)


def test_the_page_is_one_screen():
    assert len(PAGE.splitlines()) < 70
