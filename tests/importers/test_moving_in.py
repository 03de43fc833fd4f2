"""The page about moving in names formats: each can be read, and each that can be read is named."""

from __future__ import annotations

import re
from pathlib import Path

from importers import formats
from tests.importers.files import FILES, OUT

PAGE = (Path(__file__).parent.parent.parent / "docs" / "moving-in.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("|")]
NAMED = {name for line in ROWS for name in re.findall(r"`([a-z0-9-]+)`", line)}
TRIED_BY_THEMSELVES = {
    *("chatelaine", "keepass", "keepass-xml", "1password-1pux"),
    *("score", "client-stor", "client-stor-notes", "pinakes"),
}
"""Formats that test_chatelaine.py, test_keepass.py, test_onepassword.py and test_origins.py are about."""


def test_the_page_names_exactly_what_can_be_read():
    assert {one.key for one in formats.FORMATS} == NAMED


def test_a_file_of_each_format_that_the_page_names_is_read_completely_by_a_test():
    assert FILES.keys() == OUT.keys()
    assert FILES.keys() | TRIED_BY_THEMSELVES == NAMED


def test_the_page_is_one_screen():
    assert len(PAGE.splitlines()) < 65
