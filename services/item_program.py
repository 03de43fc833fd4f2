"""What programs send about a credential, as contents: only what they name changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from errors import Invalid
from services.contents import TYPE_FIELDS, Contents, Field, ItemType, Kind, Overview


@dataclass(frozen=True, slots=True)
class Change:
    """What a credential becomes.

    Args:
        contents: fields that keep their values are left out.
        clear: names of fields to empty, and of custom ones to remove.
    """

    contents: Contents
    clear: frozenset[str]


def new_contents(told: Mapping[str, Any]) -> Contents:
    """Return the contents of a new credential; fields that its type does not have become custom ones."""
    type_ = ItemType(told.get("type", ItemType.LOGIN.value))
    given = told.get("fields", ())
    return Contents(
        name=told["name"],
        type=type_,
        user_name=told.get("user_name", ""),
        urls=tuple(told.get("urls", ())),
        tags=tuple(told.get("tags", ())),
        expires_on=_day(told.get("expires_on")),
        fields=tuple(_field(type_, one, {}) for one in given),
    )


def change_of(overview: Overview, told: Mapping[str, Any]) -> Change:
    """Return what a stored credential becomes by what is told of it.

    Raises:
        Invalid: a field is named twice.
    """
    kinds = {shape.name.casefold(): (shape.name, shape.kind) for shape in overview.shapes if shape.custom}
    given = [_field(overview.type, one, kinds) for one in told.get("fields", ())]
    if len({one.name for one in given}) < len(given):
        raise Invalid("A field is named twice.", "fields")
    contents = Contents(
        name=told.get("name", overview.name),
        type=overview.type,
        user_name=told.get("user_name", overview.user_name),
        urls=tuple(told.get("urls", overview.urls)),
        tags=tuple(told.get("tags", overview.tags)),
        expires_on=_day(told["expires_on"]) if "expires_on" in told else overview.expires_on,
        fields=tuple(one for one in given if one.value),
    )
    return Change(contents, _emptied(given))


def _emptied(given: Iterable[Field]) -> frozenset[str]:
    return frozenset(one.name for one in given if not one.value)


def _field(type_: ItemType, told: Mapping[str, Any], kinds: Mapping[str, tuple[str, Kind]]) -> Field:
    """Find the field that is meant: the type's own, a custom one that there is, or a new custom one."""
    name, value = told["name"], told["value"] or ""
    for spec in TYPE_FIELDS[type_]:
        if spec.name.casefold() == name.casefold():
            return Field(spec.name, spec.kind, value)
    known, kind = kinds.get(name.casefold(), (name, Kind.HIDDEN))
    return Field(known, Kind(told.get("kind", kind.value)), value, custom=True)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
