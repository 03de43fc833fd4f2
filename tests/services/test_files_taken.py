"""Names are made harmless, and types are told by content alone."""

from __future__ import annotations

from io import BytesIO

import pytest

from errors import Invalid
from services import file_types
from services.file_names import MOST, clean
from services.file_types import recognise

NAMES = {
    "report.pdf": "report.pdf",
    "../../etc/passwd": "passwd",
    r"C:\keys\prod.pem": "prod.pem",
    "/": "file",
    "": "file",
    "...": "file",
    " a  b .txt ": "a b .txt",
    "a\0b\r\n.txt": "ab.txt",
    "safe\u202egnp.exe": "safegnp.exe",
    'q"u<o>t:e|s?*.txt': "q_u_o_t_e_s__.txt",
    "CON.txt": "_CON.txt",
    "lpt1": "_lpt1",
    "e\u0301.txt": "\u00e9.txt",
    "\ud800.txt": "txt",
    "Schlüssel 2027.p12": "Schlüssel 2027.p12",
    f"{'n' * 300}.pem": f"{'n' * (MOST - 4)}.pem",
    "n" * 300: "n" * MOST,
    f"a.{'b' * 300}": f"a.{'b' * (MOST - 2)}",
}


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_becomes_harmless(name):
    assert clean(name) == NAMES[name]
    assert clean(clean(name)) == clean(name)


DER = b"\x30\x82\x01\x00" + bytes(256)
TAKEN = {
    "a.pdf": (b"%PDF-1.7\n\xff\xfe", "pdf"),
    "a.png": (b"\x89PNG\r\n\x1a\n\0\0", "png"),
    "a.jpg": (b"\xff\xd8\xff\xe0\0", "jpeg"),
    "a.gif": (b"GIF89a\0", "gif"),
    "a.webp": (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
    "a.docx": (b"PK\x03\x04\0\0", "zip"),
    "a.tgz": (b"\x1f\x8b\x08\0", "gzip"),
    "a.kdbx": (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5\0", "kdbx"),
    "a.jks": (b"\xfe\xed\xfe\xed\0\0", "jks"),
    "a.p12": (DER, "der"),
    "short.der": (b"\x30\x01\x00", "der"),
    "long.cer": (b"\x30\x83\x01\x00\x00" + bytes(65536), "der"),
    "a.gpg": (b"\x85\x01\x0c\x03\xff", "pgp"),
    "db.key": (bytes(range(200, 232)), "raw"),
    "id_ed25519": (b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "text"),
    "a.pem": (b"-----BEGIN", "text"),
    "a.crt": (b"-----BEGIN", "text"),
    "a.svg": (b"<svg onload='alert(1)'/>", "text"),
    "utf-8.txt": ("Schlüssel €".encode() * 20_000, "text"),
    "utf-16.txt": ("Schlüssel".encode("utf-16"), "text"),
}
REFUSED = {
    "a.exe": b"MZ\x90\0\x03\0",
    "a.elf": b"\x7fELF\x02\x01\x01\0",
    "a.bin": b"\0" * 100,
    "latin.txt": "Schlüssel".encode("latin-1"),
    "nul.txt": b"text\0text",
    "late.txt": b"x" * 100_000 + b"\xff",
    "cut.txt": "€".encode()[:2],
    "half.der": DER[:-1],
    "endless.der": b"\x30\x80\x00\x00",
    "a.dat": b"\x85\x01\x0c\x03\xff",
}
DISGUISED = {
    "a.png": b"%PDF-1.7",
    "a.pdf": b"<html>",
    "a.p12": b"plain text",
    "a.txt": DER,
    "a.zip": b"text",
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_belongs_to_credentials_is_taken(name):
    content, key = TAKEN[name]
    assert recognise(name, BytesIO(content), len(content)).key == key


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused(name):
    content = REFUSED[name]
    with pytest.raises(Invalid, match="are not taken") as caught:
        recognise(name, BytesIO(content), len(content))
    assert caught.value.field == "file"


@pytest.mark.parametrize("name", DISGUISED)
def test_a_name_that_claims_another_type_is_refused(name):
    content = DISGUISED[name]
    with pytest.raises(Invalid, match="the content is another"):
        recognise(name, BytesIO(content), len(content))


def test_each_type_stands_once():
    assert all(file_types.TYPES[key].key == key for key in file_types.TYPES)
    assert all(one.label and "/" in one.media for one in file_types.TYPES.values())
