"""Files of environment variables: one credential, with a hidden field for each variable."""

from __future__ import annotations

import re
from collections.abc import Iterator

from importers.entry import Entry, EntryField, EntryType, Reading
from importers.limits import ENTRIES_MAX, Refused, read_text
from importers.source import Format, Source
from importers.values import kind_for, name_of

LINES_MAX = 10 * ENTRIES_MAX

_NAME = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*")
_SKIPPED = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_COMMENT = re.compile(r"(?:^|[ \t])#")
_QUOTED = re.compile(r"""(?:"((?:[^"\\]|\\.)*+)"|'([^']*+)')[ \t]*(?:#[^\n]*)?(?:\n|\Z)""", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def _read(source: Source) -> Reading:
    text = read_text(source.data).replace("\r\n", "\n")
    fields = tuple(_variables(text))
    name = name_of(source.file_name) or "Environment"
    whole = Entry(name, type=EntryType.SECRET, custom=fields)
    return Reading((whole,) if fields else ())


def _variables(text: str) -> Iterator[EntryField]:
    """Take the file apart, each variable once: of two with one name the last counts, as for shells."""
    found: dict[str, str] = {}
    at, line = 0, 1
    while at < len(text):
        if len(found) > ENTRIES_MAX or line > LINES_MAX:
            raise Refused(f"The file holds more than {ENTRIES_MAX:,} variables. Take it apart.")
        skipped = _SKIPPED.match(text, at)
        if skipped is not None:
            line, at = line + 1, skipped.end()
            continue
        name = _NAME.match(text, at)
        if name is None:
            raise Refused(f"Line {line} is not NAME=VALUE. Correct it, or choose another format.")
        found[name[1]], end = _value(text, name.end(), line)
        line, at = line + text.count("\n", at, end), end
    yield from (EntryField(key, value, kind_for(value)) for key, value in found.items())


def _value(text: str, at: int, line: int) -> tuple[str, int]:
    if text[at : at + 1] in {'"', "'"}:
        quoted = _QUOTED.match(text, at)
        if quoted is None:
            raise Refused(f"The quotation mark of line {line} has no second one. Correct it.")
        double, single = quoted.groups()
        return (single if double is None else _ESCAPE.sub(_unescape, double)), quoted.end()
    end = text.find("\n", at)
    plain = text[at:] if end < 0 else text[at:end]
    comment = _COMMENT.search(plain)
    return plain[: comment.start() if comment else None].rstrip(), at + len(plain) + 1


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[1], match[1])


def _is_dotenv(data: bytes) -> bool:
    try:
        text = read_text(data[:4096].rsplit(b"\n", 1)[0])
    except Refused:
        return False
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and _NAME.match(lines[0]) is not None


FORMATS = (
    Format(
        "dotenv",
        "Environment variables, .env",
        (".env", ".txt"),
        _is_dotenv,
        _read,
        hint="One credential, with a field for each variable.",
    ),
)
