"""Reading XML from strangers: no document type and so no entity, and no more of it than fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol
from xml.parsers import expat

from importers.limits import DEPTH_MAX, Refused

ELEMENTS_MAX = 1_000_000
"""Ten thousand credentials of KeePass have some 500,000."""

_TOO_MANY = "This XML is nested too deeply or has too many elements. Export it in several parts."

Path = tuple[str, ...]


class Visitor(Protocol):
    """Somebody who is led through a document."""

    def begin(self, path: Path) -> None:
        """See the element begin whose name is the last of *path*."""
        ...

    def end(self, path: Path, text: str, attributes: Mapping[str, str]) -> None:
        """See it end; *text* is what stands directly in it."""
        ...


def visit(data: bytes, visitor: Visitor) -> None:
    """Lead *visitor* through *data*.

    Raises:
        Refused: it is no XML, has a document type or is beyond the limits.
    """
    if data.count(b"<") > 2 * ELEMENTS_MAX:
        raise Refused(_TOO_MANY)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    walk = _Walk(visitor)
    parser.StartElementHandler = walk.begin
    parser.EndElementHandler = walk.end
    parser.CharacterDataHandler = walk.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, UnicodeError):
        raise Refused("This is not XML, or it is damaged; export it again.") from None


def _refuse(*_: object) -> NoReturn:
    raise Refused("This XML declares a document type or entities, which no export needs; it is not read.")


class _Walk:
    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self._path: Path = ()
        self._texts: list[list[str]] = []
        self._attributes: list[Mapping[str, str]] = []
        self._elements = 0

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        self._path = (*self._path, name)
        if len(self._path) > DEPTH_MAX or self._elements > ELEMENTS_MAX:
            raise Refused(_TOO_MANY)
        self._texts.append([])
        self._attributes.append(attributes)
        self._visitor.begin(self._path)

    def text(self, part: str) -> None:
        self._texts[-1].append(part)

    def end(self, _name: str) -> None:
        self._visitor.end(self._path, "".join(self._texts.pop()), self._attributes.pop())
        self._path = self._path[:-1]
