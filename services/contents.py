"""What an item holds, and the two JSON texts of it that are encrypted: the overview and the details."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from errors import Invalid
from services import content_rules as rules
from services.item_types import TYPE_FIELDS, FieldSpec, ItemType, Kind

__all__ = [
    "TYPE_FIELDS",
    "Contents",
    "Field",
    "FieldSpec",
    "ItemType",
    "Kind",
    "Overview",
    "Shape",
    "check_contents",
    "decode_details",
    "decode_overview",
    "encode_details",
    "encode_overview",
    "shapes_of",
]


@dataclass(frozen=True, slots=True)
class Field:
    """A value and its name.

    Args:
        custom: whether a person added it; the others are those of the item's type.
    """

    name: str
    kind: Kind
    value: str = field(repr=False)
    custom: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Contents:
    """All that a person types into an item. Fields of the type that are not filled may be left out."""

    name: str
    type: ItemType
    user_name: str = ""
    urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    expires_on: date | None = None
    fields: tuple[Field, ...] = ()


class Shape(NamedTuple):
    """That a field is there; never its value."""

    name: str
    kind: Kind
    filled: bool
    custom: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Overview:
    """What lists and the item's page show without a reveal.

    Args:
        vault_id: compared with the row's, so that nobody carries an item into another vault by SQL.
        strength: 0 (guessed at once) to 4 (very hard to guess) of the main secret; None: there is none.
        shapes: all fields of the type, filled or not, then the custom ones.
        changed: the parts that this version changed, by the names that people see.
    """

    vault_id: UUID
    name: str
    type: ItemType
    user_name: str
    urls: tuple[str, ...]
    tags: tuple[str, ...]
    expires_on: date | None
    strength: int | None
    shapes: tuple[Shape, ...]
    changed: tuple[str, ...] = ()


def check_contents(contents: Contents) -> Contents:
    """Return the contents as they will be kept: values untouched, names in NFC, fields in their order.

    Raises:
        Invalid: names the form field: ``name``, ``user_name``, ``urls``, ``tags``, ``fields``, or the
            name of the field whose value is refused.
    """
    return replace(
        contents,
        name=rules.check_name(contents.name),
        user_name=rules.check_user_name(contents.user_name),
        urls=rules.check_urls(contents.urls),
        tags=rules.check_tags(contents.tags),
        fields=_check_fields(contents.type, contents.fields),
    )


def _check_fields(type_: ItemType, fields: Iterable[Field]) -> tuple[Field, ...]:
    longest = rules.KEY_MAX if type_ is ItemType.SECRET else rules.FIELD_NAME_MAX
    given = tuple(
        replace(field, name=rules.check_field_name(field.name, longest)) if field.custom else field
        for field in fields
    )
    _check_names(type_, given)
    for entry in given:
        rules.check_value(entry.name, entry.kind, entry.value)
    by_name = {entry.name: entry for entry in given if not entry.custom}
    of_type = (by_name.get(spec.name) for spec in TYPE_FIELDS[type_])
    custom = (entry for entry in given if entry.custom)
    return (*(entry for entry in of_type if entry is not None and entry.value), *custom)


def _check_names(type_: ItemType, fields: tuple[Field, ...]) -> None:
    specs = {spec.name: spec.kind for spec in TYPE_FIELDS[type_]}
    taken = {name.casefold() for name in specs}
    most = rules.KEYS_MAX if type_ is ItemType.SECRET else rules.CUSTOM_FIELDS_MAX
    if sum(field.custom for field in fields) > most:
        raise Invalid(f"Add at most {most} fields of your own.", "fields")
    seen: set[str] = set()
    for entry in fields:
        if not entry.custom and specs.get(entry.name) is not entry.kind:
            raise Invalid(f"{type_.label} has no such field as {entry.name}.", "fields")
        folded = entry.name.casefold()
        if folded in seen or (entry.custom and folded in taken):
            raise Invalid(f"Two fields are called {entry.name}; give one another name.", "fields")
        seen.add(folded)


def shapes_of(contents: Contents) -> tuple[Shape, ...]:
    """Say which fields there are and which are filled."""
    filled = {entry.name for entry in contents.fields if entry.value}
    of_type = (Shape(spec.name, spec.kind, spec.name in filled) for spec in TYPE_FIELDS[contents.type])
    custom = (
        Shape(entry.name, entry.kind, bool(entry.value), custom=True)
        for entry in contents.fields
        if entry.custom
    )
    return (*of_type, *custom)


# Ten thousand overviews are read at once: looking a member up is four times as fast as calling its class.
_KINDS: Mapping[str, Kind] = MappingProxyType({kind.value: kind for kind in Kind})
_TYPES: Mapping[str, ItemType] = MappingProxyType({type_.value: type_ for type_ in ItemType})


def encode_overview(overview: Overview) -> bytes:
    """Write an overview as compact JSON in UTF-8."""
    return _dump(
        {
            "vault": overview.vault_id.hex,
            "name": overview.name,
            "type": overview.type.value,
            "user": overview.user_name,
            "urls": overview.urls,
            "tags": overview.tags,
            "expires": overview.expires_on.isoformat() if overview.expires_on else None,
            "strength": overview.strength,
            "shapes": overview.shapes,
            "changed": overview.changed,
        }
    )


def decode_overview(data: bytes) -> Overview:
    """Read what :func:`encode_overview` wrote."""
    stored: dict[str, Any] = json.loads(data)
    return Overview(
        vault_id=UUID(int=int(stored["vault"], 16)),
        name=stored["name"],
        type=_TYPES[stored["type"]],
        user_name=stored["user"],
        urls=tuple(stored["urls"]),
        tags=tuple(stored["tags"]),
        expires_on=date.fromisoformat(stored["expires"]) if stored["expires"] else None,
        strength=stored["strength"],
        shapes=tuple([Shape(name, _KINDS[kind], *rest) for name, kind, *rest in stored["shapes"]]),
        changed=tuple(stored["changed"]),
    )


def encode_details(fields: Iterable[Field]) -> bytes:
    """Write the values as compact JSON in UTF-8."""
    return _dump([(f.name, f.kind.value, f.value, f.custom) for f in fields])


def decode_details(data: bytes) -> tuple[Field, ...]:
    """Read what :func:`encode_details` wrote; every value byte for byte."""
    return tuple(Field(name, _KINDS[kind], value, custom) for name, kind, value, custom in json.loads(data))


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
