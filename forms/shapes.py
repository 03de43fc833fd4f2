"""The shape of JSON that programs send and are sent: JSON Schema, as much of it as is needed here.

What a shape says is what is checked, and what the OpenAPI document tells; there is no second description.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from errors import Invalid

Shape = Mapping[str, Any]


def text(*, longest: int = 65536, shortest: int = 0, kind: str = "", about: str = "") -> Shape:
    """A text of so many characters; *kind* is a format: ``uuid``, ``date``, ``date-time`` or ``cidr``."""
    shape: dict[str, Any] = {"type": "string", "maxLength": longest}
    if shortest:
        shape["minLength"] = shortest
    if kind:
        shape["format"] = kind
    return _with(shape, about)


def choice(*words: str, about: str = "") -> Shape:
    """One of some words."""
    return _with({"type": "string", "enum": list(words)}, about)


def whole(least: int = 0, most: int = 2**53, *, about: str = "") -> Shape:
    """A whole number."""
    return _with({"type": "integer", "minimum": least, "maximum": most}, about)


def flag(about: str = "") -> Shape:
    """True or false."""
    return _with({"type": "boolean"}, about)


def several(item: Shape, *, most: int | None = None, least: int = 0, about: str = "") -> Shape:
    """A list."""
    shape: dict[str, Any] = {"type": "array", "items": item}
    if most is not None:
        shape["maxItems"] = most
    if least:
        shape["minItems"] = least
    return _with(shape, about)


def thing(members: Mapping[str, Shape], about: str = "", *, optional: tuple[str, ...] = ()) -> Shape:
    """An object with these members and no others; those that are not *optional* have to be there."""
    return _with(
        {
            "type": "object",
            "properties": members,
            "required": [name for name in members if name not in optional],
            "additionalProperties": False,
        },
        about,
    )


def table(value: Shape, about: str = "") -> Shape:
    """An object whose members are called as may be."""
    return _with({"type": "object", "additionalProperties": value}, about)


def maybe(shape: Shape) -> Shape:
    """The same, or null."""
    return {**shape, "type": [shape["type"], "null"], **_enum_or_null(shape)}


def _enum_or_null(shape: Shape) -> dict[str, Any]:
    return {"enum": [*shape["enum"], None]} if "enum" in shape else {}


def _with(shape: dict[str, Any], about: str) -> Shape:
    return {**shape, "description": about} if about else shape


_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def check(shape: Shape, value: Any, where: str = "") -> None:
    """Refuse a value that is not of *shape*.

    Raises:
        Invalid: names the place, and never says what stood there.
    """
    allowed = shape["type"] if isinstance(shape["type"], list) else [shape["type"]]
    if not any(_is(value, name) for name in allowed):
        raise _wrong(where, f"is to be {' or '.join(allowed)}")
    if "enum" in shape and value not in shape["enum"]:
        raise _wrong(where, "is none of the words that it can be")
    if isinstance(value, str):
        _check_text(shape, value, where)
    elif isinstance(value, list):
        _check_list(shape, value, where)
    elif isinstance(value, dict):
        _check_members(shape, value, where)
    elif isinstance(value, int) and not isinstance(value, bool):
        _check_number(shape, value, where)


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, _TYPES[name])


def _check_text(shape: Shape, value: str, where: str) -> None:
    if len(value) > shape.get("maxLength", len(value)):
        raise _wrong(where, f"has at most {shape['maxLength']} characters")
    if len(value) < shape.get("minLength", 0):
        raise _wrong(where, f"has at least {shape['minLength']} characters")
    reader = _READERS.get(shape.get("format", ""))
    if reader is not None:
        try:
            reader(value)
        except ValueError:
            raise _wrong(where, f"is to be a {shape['format']}") from None


_READERS: Mapping[str, Any] = {
    "uuid": UUID,
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
}


def _check_list(shape: Shape, value: list[Any], where: str) -> None:
    if not shape.get("minItems", 0) <= len(value) <= shape.get("maxItems", len(value)):
        most = shape.get("maxItems", "any number of")
        raise _wrong(where, f"has {shape.get('minItems', 0)} to {most} entries")
    for number, entry in enumerate(value):
        check(shape["items"], entry, f"{where}[{number}]")


def _check_members(shape: Shape, value: dict[str, Any], where: str) -> None:
    members = shape.get("properties", {})
    others = shape.get("additionalProperties", {})
    missing = [name for name in shape.get("required", ()) if name not in value]
    if missing:
        raise _wrong(_inside(where, missing[0]), "is missing")
    for name, entry in value.items():
        if name in members:
            check(members[name], entry, _inside(where, name))
        elif others is False:
            raise _wrong(where, f"has members called {', '.join(members)} and no others")
        elif others:
            check(others, entry, _inside(where, "…"))


def _check_number(shape: Shape, value: int, where: str) -> None:
    if not shape.get("minimum", value) <= value <= shape.get("maximum", value):
        raise _wrong(where, f"is from {shape.get('minimum')} to {shape.get('maximum')}")


def _inside(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(where: str, words: str) -> Invalid:
    return Invalid(f"{where or 'The body'} {words}.", where or None)
