"""KeePass files that pykeepass wrote (make_kdbx.py) import completely; hostile ones are refused at once."""

from __future__ import annotations

import struct
import time
import zlib
from datetime import date
from pathlib import Path

import pytest

from crypto.otp import parse_otp
from importers import formats, kdbx, keepass_xml
from importers.entry import EntryKind, Reading
from importers.kdbx_header import MAGIC
from importers.limits import Refused
from importers.source import Source
from tests.importers import hostile_kdbx as hostile

FILES = Path(__file__).parent.parent / "vectors" / "kdbx"
PASSPHRASE = "Müsli & hot milk"
ENTRY = "<Entry><String><Key>Title</Key><Value>{}</Value></String></Entry>"


def read(data: bytes, passphrase: str = PASSPHRASE, key_file: bytes = b"") -> Reading:
    return formats.read(Source(data, passphrase=passphrase, key_file=key_file), formats.recognise(data))


def vector(name: str) -> bytes:
    return (FILES / name).read_bytes()


def document(inside: str, meta: str = "") -> bytes:
    group = f"<Group><Name>Root</Name>{inside}</Group>"
    return f"<KeePassFile><Meta>{meta}</Meta><Root>{group}</Root></KeePassFile>".encode()


def refusal(data: bytes, passphrase: str = hostile.PASSPHRASE, key_file: bytes = b"") -> str:
    """Return the sentence of a refusal that came within a second."""
    begun = time.thread_time()
    with pytest.raises(Refused) as refused:
        read(data, passphrase, key_file)
    assert time.thread_time() - begun < 1
    assert str(refused.value).endswith(".")
    return str(refused.value)


@pytest.mark.parametrize("name", ["aeskdf-aes-3", "aeskdf-aes-4", "argon2d-aes", "argon2id-chacha20"])
def test_everything_in_a_file_arrives(name):
    reading = read(vector(f"{name}.kdbx"))
    first, tray, newer, steam, same = reading.entries
    assert (first.name, first.folder, first.user_name) == ("Database", ("Servers", "Production"), "root")
    assert first.urls == ("https://db.example.com", "https://db2.example.com")
    assert first.tags == ("db", "prod")
    assert first.expires_on == date(2031, 5, 6)
    assert first.notes == "First line\nSecond line"
    assert [field.value for field in first.fields] == ["S3cret!! ü→ 2"]
    assert [(field.name, field.value, field.kind) for field in first.custom] == [
        ("Recovery <code>", "aa&bb", EntryKind.HIDDEN),
        ("Port", "5432", EntryKind.TEXT),
    ]
    assert (parse_otp(first.totp).digits, parse_otp(first.totp).period) == (8, 60)
    assert first.unread == ("Attachments are left behind: 1.", "Former versions are left behind: 1.")
    assert parse_otp(tray.totp) == parse_otp("otpauth://totp/?secret=JBSWY3DPEHPK3PXP")
    assert parse_otp(newer.totp).algorithm == "SHA512"
    assert steam.totp == ""
    assert [field.value for field in steam.custom] == ["JBSWY3DPEHPK3PXP", "30;S"]
    assert "authenticator" in steam.unread[0]
    assert same.fields[0].value == first.fields[0].value
    assert reading.unread == ("1 in KeePass's recycle bin are left there.",)


@pytest.mark.parametrize("key", ["one", "two", "raw", "hex", "any"])
def test_a_key_file_of_each_kind_opens_with_the_passphrase(key):
    data, key_file = vector(f"key-{key}.kdbx"), vector(f"{key}.keyfile")
    assert len(read(data, key_file=key_file).entries) == 5
    assert "does not open" in refusal(data, PASSPHRASE)
    assert "does not open" in refusal(data, "wrong", key_file)


def test_a_key_file_alone_opens():
    assert len(read(vector("key-alone.kdbx"), "", vector("two.keyfile")).entries) == 5


@pytest.mark.parametrize("name", ["aeskdf-aes-3", "argon2id-chacha20"])
def test_a_wrong_passphrase_is_said_beside_its_field(name):
    with pytest.raises(Refused, match="does not open") as refused:
        read(vector(f"{name}.kdbx"), "Müsli & cold milk")
    assert refused.value.field == "passphrase"


def test_a_damaged_key_file_is_said_beside_its_field():
    for damaged in (
        vector("two.keyfile").replace(b"00010203", b"00010204"),
        vector("one.keyfile").replace(b"AAEC", b"AA"),
        b"<KeyFile>",
        b"<KeyFile>&b;</KeyFile>",
    ):
        with pytest.raises(Refused, match="key file") as refused:
            read(vector("key-one.kdbx"), key_file=damaged)
        assert refused.value.field == "key_file"


@pytest.mark.parametrize(("name", "first"), [("aeskdf-aes-3", 240), ("argon2id-chacha20", 0)])
def test_no_byte_can_be_changed_and_none_taken_away(name, first):
    """The older version vouches for what is encrypted alone, and not for the padding behind it."""
    data = vector(f"{name}.kdbx")
    for place in range(first, len(data) - 64, 37):
        changed = bytearray(data)
        changed[place] ^= 0x40
        with pytest.raises(Refused):
            read_as_keepass(bytes(changed))
    for place in range(0, len(data), 37):
        with pytest.raises(Refused):
            read_as_keepass(data[:place])


def read_as_keepass(data: bytes) -> Reading:
    (format_,) = kdbx.FORMATS
    return format_.read(Source(data, passphrase=PASSPHRASE))


def test_what_cannot_be_read_says_how_to_save_it():
    assert "ChaCha20" in refusal(vector("twofish.kdbx"), PASSPHRASE)
    assert "KeePass 1" in refusal(bytes.fromhex("03d9a29a65fb4bb5") + bytes(100))
    assert "KDBX 4" in refusal(hostile.header(hostile.aes_kdf(), version=5))
    unknown = hostile.variants(**{"$UUID": (0x42, bytes(16))})
    assert "Argon2id" in refusal(hostile.header(unknown))


@pytest.mark.parametrize(
    "kdf",
    [
        *(hostile.aes_kdf(rounds) for rounds in (0, 50_000_001, 2**64 - 1)),
        *(hostile.argon2(passes=passes) for passes in (0, 1025, 2**64 - 1)),
        *(hostile.argon2(memory=memory) for memory in (7, 256 * 1024 + 1, 2**54 - 1)),
        *(hostile.argon2(lanes=lanes, memory=1024) for lanes in (0, 17, 2**32 - 1)),
        hostile.argon2(passes=9, memory=256 * 1024),
    ],
)
def test_a_file_that_would_compute_for_minutes_is_refused_before_it_does(kdf):
    assert "more computing" in refusal(hostile.header(kdf) + bytes(200))


def test_a_packed_bomb_is_refused():
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1024**2)) for _ in range(51)) + packer.flush()
    assert len(bomb) < 64 * 1024
    assert "50 MiB" in refusal(hostile.file(b"", packed=bomb))


def test_a_file_of_our_own_making_opens():
    assert read(hostile.file(document(ENTRY.format("A"))), hostile.PASSPHRASE).entries[0].name == "A"


@pytest.mark.parametrize(
    "inner",
    [
        b"",
        struct.pack("<BI", 1, 2**32 - 1),
        struct.pack("<BII", 1, 4, 1) + struct.pack("<BI", 2, 4) + bytes(4) + bytes(5),
        bytes(5),
    ],
)
def test_a_damaged_inner_header_is_refused(inner):
    refusal(hostile.file(b"", inner=inner))


@pytest.mark.parametrize(
    "xml",
    [
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><KeePassFile/>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><KeePassFile>&b;</KeePassFile>',
        b'<!DOCTYPE a [<!ENTITY b "cc"><!ENTITY d "&b;&b;">]><KeePassFile>&d;</KeePassFile>',
        b'<!DOCTYPE a [<!ENTITY % b SYSTEM "http://127.0.0.1:9/"> %b;]><KeePassFile/>',
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><KeePassFile/>'.encode(
            "utf-16"
        ),
    ],
)
def test_a_document_type_is_refused_in_both_formats(xml):
    assert "document type" in refusal(hostile.file(xml))
    (format_,) = keepass_xml.FORMATS
    with pytest.raises(Refused, match="document type"):
        format_.read(Source(xml))


@pytest.mark.parametrize(
    "xml",
    [
        b"<KeePassFile>" * 40 + b"</KeePassFile>" * 40,
        b"<KeePassFile>" + b"<a>" + b"<a/>" * 2_000_000 + b"</a>" + b"</KeePassFile>",
        b"<KeePassFile>&unknown;</KeePassFile>",
        b"<KeePassFile><a></KeePassFile>",
        b'<?xml version="1.0" encoding="klingon"?><KeePassFile/>',
        b"<KeePassFile>\xff</KeePassFile>",
        b"<KeePassFile>",
        b"",
        b"<other/>",
    ],
)
def test_odd_xml_is_refused(xml):
    begun = time.thread_time()
    with pytest.raises(Refused):
        keepass_xml.read_document(xml)
    assert time.thread_time() - begun < 1


def test_more_entries_than_may_be_are_refused():
    with pytest.raises(Refused, match="10,000"):
        keepass_xml.read_document(document(ENTRY.format("A") * 10_001))
    with pytest.raises(Refused, match="10,000"):
        keepass_xml.read_document(document("<Entry/>" * 20_001))


def test_the_export_in_xml_is_read_as_the_file_is():
    value = '<String><Key>Password</Key><Value ProtectInMemory="True">a &amp; b</Value></String>'
    xml = document(f"<Group><Name>Mail</Name><Entry>{value}</Entry></Group>")
    (entry,) = read(xml).entries
    assert (entry.folder, entry.fields[0].value) == (("Mail",), "a & b")


def test_xml_whose_values_are_still_encrypted_is_refused():
    value = '<Entry><String><Key>Password</Key><Value Protected="True">AAAA</Value></String></Entry>'
    with pytest.raises(Refused, match="still encrypted"):
        keepass_xml.read_document(document(value))


def test_a_moment_that_is_none_is_left_out():
    for text in ("0000-00-00T00:00:00Z", "//////////8=", "!", ""):
        times = f"<Times><Expires>True</Expires><ExpiryTime>{text}</ExpiryTime></Times>"
        assert keepass_xml.read_document(document(f"<Entry>{times}</Entry>")).entries[0].expires_on is None


def test_a_reference_leads_one_step_and_to_nothing_unknown():
    uuid = "AAAAAAAAAAAAAAAAAAAAAA=="
    own = "{REF:P@I:" + "0" * 32 + "}"
    strings = "".join(
        f"<String><Key>{key}</Key><Value>{value}</Value></String>"
        for key, value in {"Password": own, "Notes": "{REF:P@I:" + "f" * 32 + "}"}.items()
    )
    (entry,) = keepass_xml.read_document(document(f"<Entry><UUID>{uuid}</UUID>{strings}</Entry>")).entries
    assert entry.fields[0].value == own
    assert entry.notes.startswith("{REF:")


def test_a_truncated_header_is_refused():
    for length in range(len(MAGIC), 60, 3):
        refusal(hostile.header(hostile.aes_kdf())[:length])
