"""Every format says what it is, and the limits hold before anything is read."""

from __future__ import annotations

import json

import pytest

from importers import formats
from importers.entry import EntryKind, EntryType
from importers.limits import DEPTH_MAX, FILE_MAX, Refused, read_json, read_text
from importers.source import Asks, Source
from services.contents import ItemType, Kind


def test_entries_are_typed_as_items_are():
    assert {one.value for one in EntryType} == {one.value for one in ItemType}
    # A reference leads into the environment of the server: no file brings one.
    assert {one.value for one in EntryKind} == {one.value for one in Kind} - {"reference"}


def test_each_format_has_a_name_of_its_own_and_says_which_files_it_reads():
    assert len({one.key for one in formats.FORMATS}) == len(formats.FORMATS)
    for one in formats.FORMATS:
        assert one.label
        assert all(ending.startswith(".") and ending == ending.lower() for ending in one.endings)


@pytest.mark.parametrize("key", [one.key for one in formats.FORMATS])
@pytest.mark.parametrize(
    "data", [b"", b"\0", b"{", b"[" * 100, b"\xff\xfe\x00", b"PK\x03\x04", b'"', b"a,b\n"]
)
def test_rubbish_is_refused_with_a_sentence(key, data):
    format_ = formats.find(key)
    assert format_.recognises(data) in {True, False}
    source = Source(data, passphrase="abc", key_file=b"abc")
    with pytest.raises(Refused) as refusal:
        formats.read(source, format_)
    assert str(refusal.value).endswith(".")


def test_a_file_that_is_too_large_is_not_looked_at():
    with pytest.raises(Refused, match="10 MiB"):
        formats.read(Source(b"a" * (FILE_MAX + 1)), formats.FORMATS[0])


def test_what_opens_with_a_passphrase_asks_for_it():
    for format_ in formats.FORMATS:
        if format_.passphrase is Asks.MUST:
            with pytest.raises(Refused) as refusal:
                formats.read(Source(b"{}"), format_)
            assert refusal.value.field == "passphrase"


def test_an_unknown_file_is_refused():
    with pytest.raises(Refused, match="knows this file"):
        formats.recognise(b"\x89PNG\r\n")
    with pytest.raises(Refused, match="one of the formats"):
        formats.find("nothing")


@pytest.mark.parametrize("mark", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_with_and_without_its_mark(mark):
    assert read_text("Schlüssel".encode(mark)) == "Schlüssel"


def test_another_encoding_is_refused_and_not_guessed():
    with pytest.raises(Refused, match="UTF-8"):
        read_text("Schlüssel".encode("latin-1"))


@pytest.mark.parametrize("depth", [DEPTH_MAX + 1, 5_000, 390_000])
def test_deep_json_is_refused(depth):
    with pytest.raises(Refused, match="deep"):
        read_json(b"[" * depth + b"]" * depth)


def test_json_of_too_many_parts_is_refused_before_it_is_read():
    with pytest.raises(Refused, match="parts"):
        read_json(b"[" + b"[]," * 1_000_000 + b"[]]")
    with pytest.raises(Refused, match="parts"):
        read_json(b"[" + b"1," * 2_000_000 + b"1]")


def test_json_that_breaks_off_is_refused():
    with pytest.raises(Refused, match="piece"):
        read_json(json.dumps({"items": [{"name": "a"}]}).encode()[:-3])
