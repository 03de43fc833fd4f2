#!/usr/bin/env python3
"""Open a backup of Chatelaine and print its credentials, one JSON object a line, without Chatelaine.

    BACKUP_KEY=... ENCRYPTION_KEYS=... python3 open_backup.py backup-....manifest [FOLDER]

With a FOLDER, which is made, the files on credentials are written into it too, in clear, each under the id
of its credential.

Needs Python 3.11 or newer and the package "cryptography", for a backup of PostgreSQL also pg_restore, and the
three files of the backup in one folder: NAME.manifest, NAME.keys and NAME.data, for files on credentials also
NAME.files and the folder "files". Secrets come from the
environment; a passphrase, or a key that is not set, is asked for. What it prints is every secret that there
is: mind where it goes.

The formats are described in docs/encryption.md. This file shares no code with the program, on purpose: it
works when the program does not.
"""

from __future__ import annotations

import base64
import getpass
import hashlib
import hmac
import json
import os
import re
import shutil
import sqlite3
import struct
import subprocess  # nosec B404 - pg_restore, without a shell
import sys
import unicodedata
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = b"chatelaine/v1/"
PRELUDE = 72
CHUNK = 64 * 1024
TAG = 16
RECORD, WRAPPED_KEY, ATTACHMENT, EXPORT = 1, 2, 3, 4


FILE = b"attachment"
TABLES = ("organization", "vault", "item", "item_version", "attachment", "attachment_version")


class CannotOpen(Exception):
    """Said to whoever runs this."""


def lp(part: bytes) -> bytes:
    """Return the length of *part* in two bytes, and *part*."""
    return len(part).to_bytes(2, "big") + part


def expand(key: bytes, salt: bytes | None, info: bytes, length: int) -> bytes:
    """Derive a key (RFC 5869)."""
    return HKDF(SHA256(), length, salt, info).derive(key)


def derive(key: bytes, prelude: bytes, context: bytes) -> tuple[AESGCM, bytes]:
    """Return cipher and nonce of a message, once its commitment is what it must be."""
    okm = expand(key, prelude[8:40], PREFIX + b"msg\0" + prelude[:8] + context, 76)
    if not hmac.compare_digest(okm[44:], prelude[40:72]):
        raise CannotOpen("This does not open: another key, or altered bytes.")
    return AESGCM(okm[:32]), okm[32:44]


def open_envelope(key: bytes, envelope: bytes, kind: int, context: bytes) -> bytes:
    """Return what lies in one encrypted value."""
    if len(envelope) < PRELUDE + TAG + 32 or envelope[:4] != bytes((1, kind, 0, 1)):
        raise CannotOpen("This is no encrypted value.")
    cipher, nonce = derive(key, envelope[:PRELUDE], context)
    frame = cipher.decrypt(nonce, envelope[PRELUDE:], envelope[:PRELUDE])
    (length,) = struct.unpack_from(">I", frame)
    return frame[4 : 4 + length]


def key_number(envelope: bytes) -> int:
    """Return the version of the data key that a value names."""
    return int.from_bytes(envelope[4:8], "big")


def open_sealed(path: Path, secret: bytes | str, purpose: str) -> bytes:
    """Return what lies in a sealed file."""
    data = path.read_bytes()
    head, body = data[:32], data[32:]
    magic, kind, lanes, passes, memory, salt = struct.unpack(">8sBBHI16s", head)
    if magic != b"CHLSEAL\x01" or kind != (1 if isinstance(secret, str) else 2):
        raise CannotOpen(f"{path.name} is sealed in another way.")
    if isinstance(secret, str):
        text = unicodedata.normalize("NFC", secret).encode()
        key = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(text)
    else:
        key = secret
    if body[:4] != bytes((1, EXPORT, 0, 1)):
        raise CannotOpen(f"{path.name} is no sealed file.")
    return open_stream(key, body, EXPORT, lp(PREFIX + b"export") + lp(head) + lp(purpose.encode()))


def open_stream(key: bytes, body: bytes, kind: int, context: bytes) -> bytes:
    """Return what lies in a stream of chunks."""
    chunks = -(-(len(body) - PRELUDE) // (CHUNK + TAG))
    length = len(body) - PRELUDE - TAG * chunks
    prelude = body[:PRELUDE]
    if prelude[:4] != bytes((1, kind, 0, 1)):
        raise CannotOpen("This is no encrypted file, or one of another kind.")
    cipher, nonce = derive(key, prelude, context + length.to_bytes(8, "big"))
    parts = []
    for index in range(chunks):
        start = PRELUDE + index * (CHUNK + TAG)
        of_chunk = nonce[:7] + index.to_bytes(4, "big") + bytes([index == chunks - 1])
        parts.append(cipher.decrypt(of_chunk, body[start : start + CHUNK + TAG], prelude))
    return b"".join(parts)


def master_keys(text: str) -> dict[str, bytes]:
    """Return the master keys by their ids."""
    keys = [base64.urlsafe_b64decode(part.strip().rstrip("=") + "=") for part in text.split(":")]
    return {expand(key, None, PREFIX + b"kid", 4).hex(): key for key in keys}


def unwrap(instance: UUID, row: dict[str, str | int], masters: dict[str, bytes]) -> bytes:
    """Return a data key."""
    organization = UUID(str(row["organization_id"])).bytes
    master = masters.get(str(row["master_key_id"]))
    if master is None:
        raise CannotOpen(f"ENCRYPTION_KEYS lacks the master key {row['master_key_id']}.")
    wrapping = expand(master, None, PREFIX + b"kek\0" + organization, 32)
    context = (
        lp(PREFIX + b"key")
        + instance.bytes
        + organization
        + lp(str(row["purpose"]).encode())
        + int(row["version"]).to_bytes(4, "big")
    )
    return open_envelope(wrapping, base64.b64decode(str(row["wrapped"])), WRAPPED_KEY, context)


def fill_from_dump(database: sqlite3.Connection, dump: bytes) -> None:
    """Copy the tables that are needed out of a dump of PostgreSQL, with its own pg_restore."""
    program = shutil.which("pg_restore")
    if program is None:
        raise CannotOpen("This is a backup of PostgreSQL: install pg_restore.")
    chosen = [f"--table={name}" for name in TABLES]
    done = subprocess.run(  # noqa: S603 - no shell, and nothing of the backup among the arguments
        [program, "--data-only", *chosen, "--file=-"], input=dump, capture_output=True, check=False
    )
    if done.returncode:
        raise CannotOpen(f"pg_restore failed: {done.stderr.decode(errors='replace').strip()}")
    insert = ""
    for line in done.stdout.decode().split("\n"):
        if found := re.fullmatch(r"COPY public\.(\w+) \(([\w, ]+)\) FROM stdin;", line):
            table, columns = found.groups()
            database.execute(f"CREATE TABLE {table} ({columns})")
            insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns.split(',')))})"  # noqa: S608  # nosec B608
        elif line == "\\.":
            insert = ""
        elif insert:
            database.execute(insert, [copied(value) for value in line.split("\t")])


def copied(text: str) -> str | bytes | None:
    """Return a value of PostgreSQL's COPY format."""
    if text == r"\N":
        return None
    letters = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
    plain = re.sub(r"\\(.)", lambda found: letters.get(found[1], found[1]), text)
    return bytes.fromhex(plain[2:]) if plain.startswith("\\x") else plain


class Backup:
    """The three files, opened."""

    def __init__(
        self, manifest: Path, secret: bytes | str, masters: dict[str, bytes], folder: Path | None
    ) -> None:
        self.place, self.folder = manifest.parent, folder
        written = manifest.read_bytes()
        said = json.loads(written)
        name = said["name"]
        self.instance = UUID(said["instance"])
        sealed = json.loads(open_sealed(manifest.with_name(f"{name}.keys"), secret, f"backup {name} keys"))
        if sealed["manifest"] != hashlib.sha256(written).hexdigest():
            raise CannotOpen("The manifest was changed, or is of another backup.")
        self.keys = {
            (row["organization_id"], row["version"]): unwrap(self.instance, row, masters)
            for row in sealed["data_key"]
            if row["purpose"] == "data" and row["state"] != "destroyed"
        }
        self.copies: dict[str, str] = {}
        if folder is not None and said.get("files"):
            listed = manifest.with_name(f"{name}.files").read_bytes()
            if hashlib.sha256(listed).hexdigest() != said["files_sha256"]:
                raise CannotOpen("The list of files was changed.")
            self.copies = {one["name"]: one["copy"] for one in json.loads(listed)}
        data = open_sealed(manifest.with_name(f"{name}.data"), secret, f"backup {name} data")
        self.database = sqlite3.connect(":memory:")
        if said["database"] == "sqlite":
            self.database.deserialize(data)
        else:
            fill_from_dump(self.database, data)

    def items(self) -> list[dict[str, object]]:
        """Return every credential as it was last saved, those in the trash included."""
        rows = self.database.execute("""
            SELECT o.name, v.name, i.organization_id, i.id, i.version, i.trashed_at, iv.overview, iv.details
            FROM item i JOIN item_version iv ON iv.item_id = i.id AND iv.number = i.version
            JOIN vault v ON v.id = i.vault_id JOIN organization o ON o.id = i.organization_id
            ORDER BY o.name, v.name, i.id
        """)
        return [self._item(*row) for row in rows]

    def _item(
        self,
        organization: str,
        vault: str,
        organization_id: str,
        item_id: str,
        version: int,
        trashed_at: int | None,
        overview: bytes,
        details: bytes,
    ) -> dict[str, object]:
        found: dict[str, object] = {
            "organization": organization,
            "vault": vault,
            "trashed": trashed_at is not None,
        }
        try:
            told = json.loads(self._open(organization_id, item_id, "overview", version, overview))
            fields = json.loads(self._open(organization_id, item_id, "details", version, details))
        except (CannotOpen, InvalidTag, KeyError):
            return {**found, "id": item_id, "error": "cannot be decrypted"}
        return {
            **found,
            "name": told["name"],
            "type": told["type"],
            "user_name": told["user"],
            "urls": told["urls"],
            "tags": told["tags"],
            "expires": told["expires"],
            "fields": {name: value for name, _, value, *_ in fields},
            "files": self._files(item_id, version),
        }

    def _files(self, item_id: str, version: int) -> list[dict[str, object]]:
        """Return the files of a version of a credential; write them where a folder was named."""
        if not self.database.execute("SELECT 1 FROM sqlite_master WHERE name = 'attachment'").fetchone():
            return []
        rows = self.database.execute(
            """
            SELECT a.id, a.organization_id, a.size, a.facts, a.key FROM attachment a
            JOIN attachment_version av ON av.attachment_id = a.id
            WHERE av.item_id = ? AND av.number = ? AND a.item_id = av.item_id ORDER BY a.created_at, a.id
            """,
            (item_id, version),
        ).fetchall()
        return [self._file(item_id, *row) for row in rows]

    def _file(
        self, item_id: str, file_id: str, organization_id: str, size: int, facts: bytes, sealed_key: bytes
    ) -> dict[str, object]:
        try:
            told = json.loads(self._open(organization_id, file_id, "facts", 1, facts, FILE))
            content = None if self.folder is None else self._content(organization_id, file_id, sealed_key)
        except (CannotOpen, InvalidTag, KeyError):
            return {"id": file_id, "error": "cannot be decrypted"}
        if UUID(told["item"]) != UUID(item_id):
            return {"id": file_id, "error": "is of another credential"}
        found = {"name": told["name"], "size": int(size)}
        if self.folder is not None and content is not None:
            # The id in front keeps two files apart whose names a file system takes for one.
            path = self.folder / str(UUID(item_id)) / f"{str(UUID(file_id))[:8]} {Path(told['name']).name}"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_bytes(content)
            found["written"] = str(path)
        return found

    def _content(self, organization_id: str, file_id: str, sealed_key: bytes) -> bytes:
        key = self._open(organization_id, file_id, "key", 1, sealed_key, FILE)
        copy = self.copies[f"{self.instance}/{UUID(organization_id)}/{UUID(file_id)}"]
        body = (self.place / copy).read_bytes()
        return open_stream(
            key, body, ATTACHMENT, self._context(organization_id, b"attachment", file_id, "content", 1)
        )

    def _context(self, organization_id: str, table: bytes, record: str, field: str, revision: int) -> bytes:
        return (
            lp(PREFIX + b"record")
            + self.instance.bytes
            + UUID(organization_id).bytes
            + lp(table)
            + UUID(record).bytes
            + lp(field.encode())
            + int(revision).to_bytes(8, "big")
        )

    def _open(
        self,
        organization_id: str,
        record: str,
        field: str,
        revision: int,
        envelope: bytes,
        table: bytes = b"item",
    ) -> bytes:
        key = self.keys[UUID(organization_id).hex, key_number(envelope)]
        return open_envelope(
            key, envelope, RECORD, self._context(organization_id, table, record, field, revision)
        )


def ask(name: str) -> str:
    """Return a secret from the environment, or from whoever sits there."""
    return os.environ.get(name, "").strip() or getpass.getpass(f"{name}: ")


def read_secret(sealed_by: str) -> bytes | str:
    """Return what the files are sealed with."""
    if sealed_by == "passphrase":
        return getpass.getpass("Passphrase: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    return base64.urlsafe_b64decode(ask("BACKUP_KEY").rstrip("=") + "=")


def main() -> None:
    """Print every credential; write the files on them where a folder is named."""
    if len(sys.argv) not in {2, 3}:
        sys.exit(__doc__)
    manifest, *folders = map(Path, sys.argv[1:])
    try:
        said = json.loads(manifest.read_bytes())
        secret = read_secret(said["sealed_by"])
        backup = Backup(manifest, secret, master_keys(ask("ENCRYPTION_KEYS")), next(iter(folders), None))
        for item in backup.items():
            sys.stdout.write(json.dumps(item, ensure_ascii=False) + "\n")
    except CannotOpen as error:
        sys.exit(str(error))
    except InvalidTag:
        sys.exit("This does not open: altered bytes.")
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
