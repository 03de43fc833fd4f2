"""How much of a foreign file is read, and the one way to refuse it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

from errors import Invalid
from importers.entry import Entry

FILE_MAX = 10 * 1024 * 1024
"""Bytes of a file as it is sent."""
UNPACKED_MAX = 50 * 1024 * 1024
"""Bytes of what a file unpacks to, all its parts together."""
ENTRIES_MAX = 10_000
DEPTH_MAX = 32
"""Levels of JSON, XML or folders in each other."""
CONTAINERS_MAX = 400_000
"""Objects and lists in a JSON text, forty for each entry: empty ones take 30 times their bytes in memory."""
COMMAS_MAX = 1_500_000
COLUMNS_MAX = 200


class Refused(Invalid):
    """A file cannot be read; nothing of it was kept.

    Args:
        sentence: what is wrong and what to do. It never repeats anything of the file.
        field: the form field that it belongs to: ``file``, ``passphrase``, ``key_file``.
    """

    def __init__(self, sentence: str, field: str = "file") -> None:
        super().__init__(sentence, field)


def check_file(data: bytes) -> None:
    """Refuse a file that is empty or larger than :data:`FILE_MAX`."""
    if not data:
        raise Refused("The file is empty. Export it again, and choose the new one.")
    if len(data) > FILE_MAX:
        raise Refused(f"The file is larger than {FILE_MAX // 1024**2} MiB. Export it in several parts.")


def check_unpacked(size: int) -> None:
    """Refuse what unpacks to more than :data:`UNPACKED_MAX` bytes; to be asked before each further piece."""
    if size > UNPACKED_MAX:
        raise Refused(f"The file unpacks to more than {UNPACKED_MAX // 1024**2} MiB. Export it in parts.")


def take_entries(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Read at most :data:`ENTRIES_MAX` entries; one more refuses the file, and the rest is never read."""
    taken = tuple(islice(entries, ENTRIES_MAX + 1))
    if len(taken) > ENTRIES_MAX:
        raise Refused(f"The file holds more than {ENTRIES_MAX:,} entries. Export it in several parts.")
    return taken


def read_text(data: bytes) -> str:
    """Decode UTF-8, with or without its mark, or UTF-16 with one.

    Raises:
        Refused: it is neither; guessing another encoding would spoil passwords without a word.
    """
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Refused("The file is not text in UTF-8. Save it as UTF-8, or export it again.") from None
    if "\0" in text:
        raise Refused("The file is not a text. Choose the file that was exported, and its format.")
    return text


def read_json(data: bytes) -> Any:
    """Return what a JSON text says, no deeper than :data:`DEPTH_MAX` and of a bounded number of parts.

    Raises:
        Refused: it is no JSON, or more than that.
    """
    text = read_text(data)
    if text.count("{") + text.count("[") > CONTAINERS_MAX or text.count(",") > COMMAS_MAX:
        raise Refused("The JSON has too many parts. Export it in several files.")
    try:
        value = json.loads(text)
    except RecursionError:
        raise Refused(_TOO_DEEP) from None
    except ValueError:
        raise Refused("The file is not JSON, or a piece of it is missing. Export it again.") from None
    _check_depth(value)
    return value


_TOO_DEEP = f"The JSON is nested more than {DEPTH_MAX} levels deep; no export is. Choose another file."


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Refused(_TOO_DEEP)


def _children(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return [child for child in value.values() if isinstance(child, dict | list)]
    return [child for child in value if isinstance(child, dict | list)] if isinstance(value, list) else ()
