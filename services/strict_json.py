"""Reading JSON from strangers: one meaning only, and nothing that a database or an encoder chokes on."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from errors import Invalid

DEPTH = 16


def parse(body: bytes, *, exact: bool = False) -> Any:
    """Return what *body* says.

    Args:
        exact: refuse a number with more digits than can be given back.

    Raises:
        Invalid: it is no JSON in UTF-8, says one thing twice, holds a number or a character that JSON has no
            one meaning for, or is nested too deeply. The sentence never repeats what was sent.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_exact if exact else _finite,
        )
    except (ValueError, RecursionError):
        raise Invalid("The body is not JSON that can be read in one way only.") from None
    _check(value, DEPTH)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError
    return names


def _refuse(_name: str) -> NoReturn:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError
    return number


def _exact(text: str) -> float:
    number = _finite(text)
    if Decimal(repr(number)) != Decimal(text):
        raise ValueError
    return number


def _check(value: Any, depth: int) -> None:
    if depth == 0:
        raise Invalid("The JSON is nested too deeply.")
    if isinstance(value, str):
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise Invalid("The JSON holds a character that cannot be stored.")
    elif isinstance(value, list):
        for entry in value:
            _check(entry, depth - 1)
    elif isinstance(value, dict):
        for name, entry in value.items():
            _check(name, depth)
            _check(entry, depth - 1)
