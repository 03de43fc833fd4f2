#!/usr/bin/env python3
"""Open an encrypted export of Chatelaine and print its credentials, one JSON object a line.

    python3 open_export.py northwind-2027-01-15.chatelaine

Needs Python 3.11 or newer and the package "cryptography", and nothing of Chatelaine. The passphrase is
asked for, or read from standard input. What it prints is every secret in the file: mind where it goes. The
first line says what the file is.

The format is described in docs/encryption.md. This file shares no code with the program, on purpose: it works
when the program does not.
"""

from __future__ import annotations

import getpass
import gzip
import hmac
import struct
import sys
import unicodedata
import zlib
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = b"chatelaine/v1/"
HEADER = struct.Struct(">8sBBHI16s")
PRELUDE = 72
CHUNK = 64 * 1024
TAG = 16
BY_PASSPHRASE = 1


class CannotOpen(Exception):
    """Said to whoever runs this."""


def lp(part: bytes) -> bytes:
    """Return the length of *part* in two bytes, and *part*."""
    return len(part).to_bytes(2, "big") + part


def open_export(data: bytes, passphrase: str) -> bytes:
    """Return the lines in an export."""
    head, body = data[: HEADER.size], data[HEADER.size :]
    if len(body) < PRELUDE + TAG:
        raise CannotOpen("This is no encrypted export.")
    magic, kind, lanes, passes, memory, salt = HEADER.unpack(head)
    if magic != b"CHLSEAL\x01" or kind != BY_PASSPHRASE or body[:4] != bytes((1, 4, 0, 1)):
        raise CannotOpen("This is no encrypted export.")
    text = unicodedata.normalize("NFC", passphrase).encode()
    key = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(text)
    try:
        return gzip.decompress(open_chunks(key, head, body))
    except (InvalidTag, zlib.error, gzip.BadGzipFile, EOFError):
        raise CannotOpen("This does not open: another passphrase, or altered bytes.") from None


def open_chunks(key: bytes, head: bytes, body: bytes) -> bytes:
    """Return the content of the stream of chunks."""
    chunks = -(-(len(body) - PRELUDE) // (CHUNK + TAG))
    length = len(body) - PRELUDE - TAG * chunks
    context = lp(PREFIX + b"export") + lp(head) + lp(b"export") + length.to_bytes(8, "big")
    prelude = body[:PRELUDE]
    okm = HKDF(SHA256(), 76, prelude[8:40], PREFIX + b"msg\0" + prelude[:8] + context).derive(key)
    if not hmac.compare_digest(okm[44:], prelude[40:]):
        raise CannotOpen("This does not open: another passphrase, or altered bytes.")
    cipher = AESGCM(okm[:32])
    parts = []
    for index in range(chunks):
        start = PRELUDE + index * (CHUNK + TAG)
        nonce = okm[32:39] + index.to_bytes(4, "big") + bytes([index == chunks - 1])
        parts.append(cipher.decrypt(nonce, body[start : start + CHUNK + TAG], prelude))
    return b"".join(parts)


def main() -> None:
    """Print every credential."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and one file
        sys.exit(__doc__)
    try:
        data = Path(sys.argv[1]).read_bytes()
        asked = sys.stdin.isatty()
        passphrase = getpass.getpass("Passphrase: ") if asked else sys.stdin.readline().rstrip("\r\n")
        sys.stdout.write(open_export(data, passphrase).decode())
    except CannotOpen as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
