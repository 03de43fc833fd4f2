"""A spreadsheet that opens an export must not run what somebody wrote into a name."""

from __future__ import annotations

import csv
import io

import pytest

from exporters.csv_cells import safe
from services.csv_export import table


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_a_cell_that_would_be_a_formula_gets_an_apostrophe(start):
    assert safe(f"{start}HYPERLINK(1)") == f"'{start}HYPERLINK(1)"


@pytest.mark.parametrize("text", ["", "a=b", "Übung", "'quoted", "7", " =space"])
def test_other_cells_stay_as_they_are(text):
    assert safe(text) == text


def test_an_export_reads_back_as_it_was_written():
    text = table(["name", "note"], [["Mia, Ops", 'says "hi"'], ["=1+1", None], ["two\nlines", 7]])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["name", "note"],
        ["Mia, Ops", 'says "hi"'],
        ["'=1+1", ""],
        ["two\nlines", "7"],
    ]
    assert text.startswith("name,note\r\n")


def test_the_head_is_made_safe_too():
    assert table(["=x"], []) == "'=x\r\n"
