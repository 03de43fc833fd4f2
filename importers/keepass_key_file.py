"""The key files of KeePass: XML of two versions, 32 bytes, 64 hexadecimal digits, or any file at all."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from crypto.keepass import KEY_LEN, digest, is_digest
from importers.limits import Refused
from importers.markup import Path, visit

_HEX = re.compile(rb"[0-9A-Fa-f]{64}")
_DAMAGED = "The key file is damaged. Take a copy of it that still opens the file in KeePass."


def read_key_file(data: bytes) -> bytes:
    """Return the 32 bytes that a key file stands for.

    Raises:
        Refused: it is one of KeePass's own and damaged.
    """
    if re.match(rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>)?\s*<KeyFile", data):
        return _read_xml(data)
    if len(data) == KEY_LEN:
        return data
    if _HEX.fullmatch(data):
        return bytes.fromhex(data.decode())
    return digest(data)


class _KeyFile:
    def __init__(self) -> None:
        self.version = ""
        self.data = ""
        self.checksum = ""

    def begin(self, path: Path) -> None:
        """Nothing is known yet."""

    def end(self, path: Path, text: str, attributes: Mapping[str, str]) -> None:
        if path == ("KeyFile", "Meta", "Version"):
            self.version = text.strip()
        elif path == ("KeyFile", "Key", "Data"):
            self.data, self.checksum = text, attributes.get("Hash", "")


def _read_xml(data: bytes) -> bytes:
    found = _KeyFile()
    try:
        visit(data, found)
        if found.version.startswith("2."):
            key = bytes.fromhex("".join(found.data.split()))
            intact = is_digest(key, bytes.fromhex(found.checksum))
        else:
            key = base64.b64decode(found.data.strip(), validate=True)
            intact = True
    except (Refused, ValueError, binascii.Error):
        raise Refused(_DAMAGED, "key_file") from None
    if len(key) != KEY_LEN or not intact:
        raise Refused(_DAMAGED, "key_file")
    return key
