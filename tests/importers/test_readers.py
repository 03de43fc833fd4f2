"""Each format comes out complete, of a file as its program writes it; what is hostile is refused."""

from __future__ import annotations

import json

import pytest

from importers import formats
from importers.csv_table import Becomes
from importers.limits import Refused
from importers.source import Source
from tests.importers.files import FILES, NAMES, OUT, PASSWORD, protected


def read(key, data=None, **given):
    given.setdefault("passphrase", PASSWORD)
    source = Source(FILES[key] if data is None else data, NAMES.get(key, ""), **given)
    return formats.read(source, formats.find(key))


@pytest.mark.parametrize("key", FILES)
def test_a_file_comes_out_complete(key):
    assert read(key).entries == OUT[key]


@pytest.mark.parametrize("key", FILES)
def test_a_file_is_known_by_what_is_in_it(key):
    assert formats.recognise(FILES[key]).key == key


@pytest.mark.parametrize("key", FILES)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_file_that_breaks_off_is_refused_or_read_up_to_there(key, kept):
    """Where a table ends between two rows nobody can tell; whatever else is missing is said."""
    data = FILES[key][: int(len(FILES[key]) * kept)]
    try:
        entries = read(key, data).entries
    except Refused as refusal:
        said = str(refusal)
    else:
        said = "." if len(entries) <= len(OUT[key]) and ("csv" in key or key == "dotenv") else "read"
    assert said.endswith(".")


def test_a_file_under_argon2_opens_too():
    data = protected(FILES["bitwarden-json"], PASSWORD, argon=True)
    assert read("bitwarden-protected", data).entries == OUT["bitwarden-protected"]


def test_a_wrong_password_is_told_from_a_damaged_file():
    with pytest.raises(Refused, match="password") as refusal:
        read("bitwarden-protected", passphrase="another")
    assert refusal.value.field == "passphrase"
    outer = json.loads(FILES["bitwarden-protected"])
    text = outer["data"].split("|")
    outer["data"] = "|".join([text[0], text[1][4:], text[2]])
    with pytest.raises(Refused, match="damaged"):
        read("bitwarden-protected", json.dumps(outer).encode())


@pytest.mark.parametrize(
    "costs",
    [
        {"kdfIterations": 2_000_001},
        {"kdfIterations": 10**30},
        {"kdfIterations": 1},
        {"kdfIterations": "many"},
        {"kdfType": 1, "kdfIterations": 3, "kdfMemory": 1024, "kdfParallelism": 4},
        {"kdfType": 1, "kdfIterations": 10, "kdfMemory": 256, "kdfParallelism": 4},
        {"kdfType": 1, "kdfIterations": 3, "kdfMemory": 64, "kdfParallelism": 10**9},
        {"salt": "a" * 1000},
    ],
)
def test_a_file_cannot_choose_how_long_it_is_computed_for_it(costs):
    with pytest.raises(Refused, match=r"work|damaged"):
        read("bitwarden-protected", protected(b"{}", PASSWORD, **costs))


def test_an_export_for_one_account_only_is_told_from_one_with_a_password():
    data = json.dumps({"encrypted": True, "encKeyValidation_DO_NOT_EDIT": "2.a|b|c", "items": []}).encode()
    assert formats.recognise(data).key == "bitwarden-protected"
    with pytest.raises(Refused, match="Password protected"):
        read("bitwarden-protected", data)


def test_a_million_rows_are_refused_after_the_first_ten_thousand():
    with pytest.raises(Refused, match="10,000"):
        read("csv", b"name,password\n" + b"a,b\n" * 1_000_000)
    with pytest.raises(Refused, match="rows"):
        read("csv", b"name,password\n" + b",\n" * 1_000_000)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name,password\na,b,c\n", "Row 2 has 3 cells"),
        (b"name,password\na,b\nc\n", "Row 3 has 1 cells"),
        (b'name,password\na,"b\n', "quotation mark"),
        (b"name,password\na," + b"b" * 140_000 + b"\n", "too long"),
        (b"name,Name\na,b\n", "same heading"),
        (b"\n\na,b\n", "no headings"),
        (b"a," * 300 + b"b\n", "columns"),
        ("name,password\nä,ö\n".encode("latin-1"), "UTF-8"),
        (b"name,password\na,b\0\n", "not a text"),
        (b"name,password\n", "Nothing in the file"),
    ],
)
def test_a_table_that_cannot_be_read_says_where(data, said):
    with pytest.raises(Refused, match=said):
        read("csv", data)


def test_the_columns_of_any_table_can_be_chosen():
    data = b"A,B,C,D\nmail,ada,pass,x\n"
    chosen = {"A": "name", "B": "user-name", "C": "password", "D": "nothing"}
    reading = read("csv", data, mapping=chosen)
    assert [(m.heading, m.choice) for m in reading.mapping] == list(chosen.items())
    (entry,) = reading.entries
    assert (entry.name, entry.user_name, entry.fields[0].value, entry.custom) == ("mail", "ada", "pass", ())
    with pytest.raises(Refused, match="list"):
        read("csv", data, mapping={"A": "everything"})


def test_a_second_column_of_a_kind_becomes_a_field_and_none_is_lost():
    (entry,) = read("csv", b"name,title,password,secret,notes,comment\na,b,c,d,e,f\n").entries
    assert entry.name == "a"
    assert [(field.name, field.value) for field in entry.custom] == [("title", "b"), ("secret", "d")]
    assert entry.notes == "e\n\nf"


def test_a_table_with_ordinary_headings_and_others_is_nobodys_own():
    assert formats.recognise(b"name,url,username,password\na,b,c,d\n").key == "chrome-csv"
    assert formats.recognise(b"name,url,username,password,notes\na,b,c,d,e\n").key == "csv"


def test_every_choice_of_a_column_has_words():
    assert all(choice.label for choice in Becomes)


@pytest.mark.parametrize(
    ("text", "said"),
    [("A=1\nnonsense\n", "Line 2"), ('A=1\nB="open\n', "line 2"), ("# nothing\n", "Nothing in")],
)
def test_a_file_of_variables_that_cannot_be_read_says_where(text, said):
    with pytest.raises(Refused, match=said):
        read("dotenv", text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"A=b\n" * 2_000_000,
        b"".join(b"A%d=b\n" % n for n in range(300_000)),
        b"\n" * 9_000_000,
        b"# a\n" * 2_000_000,
    ],
)
def test_variables_without_end_are_refused(data):
    with pytest.raises(Refused, match="10,000"):
        read("dotenv", data)


def test_blanks_without_end_are_read_in_one_go():
    assert read("dotenv", b"A=" + b" " * 9_000_000 + b"x").entries[0].custom[0].value.strip() == "x"
    (entry,) = read("csv", b'name,url\na,"' + b"\n" * 130_000 + b'"\n').entries
    assert entry.urls == ()


def test_quotation_marks_by_the_million_are_read_in_one_go():
    with pytest.raises(Refused, match="second one"):
        read("dotenv", b'A="' + b"\\" * 2_000_001)


def test_odd_values_where_others_belong_are_read_as_nothing():
    items = [1, {"type": "x"}, {"login": 3, "type": 1}, {"type": 1, "fields": 7, "collectionIds": "f"}]
    odd = {"encrypted": False, "folders": [1, {"id": None}], "items": items}
    entries = read("bitwarden-json", json.dumps(odd).encode()).entries
    assert [entry.name for entry in entries] == ["", "", ""]
